"""JSON Web Tokens: a short-lived access token and a long-lived refresh token per log-in.

Every request is checked in memory: signature, expiry, and whether the token's session, user,
customer or tenant was outdated after the token was issued. What was outdated is kept in the
database (``domains/revocation``), given to :meth:`Tokens.outdate` at start and after each change,
and forgotten once every token that it concerns has expired, so that it does not grow for ever.

Source: RFC 7519; claims as ThingsBoard's clients read them.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import jwt

from fieldline.kit.clock import Clock, SystemClock
from fieldline.kit.errors import Unauthenticated
from fieldline.kit.ids import NULL_UUID
from fieldline.kit.lru import Lru
from fieldline.security.caller import Authority, Caller

ISSUER = "thingsboard.io"
"""Clients do not check it, but ThingsBoard's write it and tools filter by it."""
KEY_BYTES = 64
REFRESH_SCOPE = "REFRESH_TOKEN"
FIRST_PRUNE = 1_000
REMEMBERED = 4_096
"""Access tokens whose signature need not be checked again; each takes about 2 KB."""


class BadToken(Unauthenticated):
    """It is not a token of ours."""


class TokenExpired(Unauthenticated):
    """The token is too old, was outdated, or signed by another key: a new one is needed."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a log-in gives."""

    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A valid access token: who it speaks for, and until when."""

    caller: Caller
    session_id: UUID
    issued_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A valid refresh token; whoever uses it must look up the user again."""

    user_id: UUID
    session_id: UUID
    subject: str
    is_public: bool


class Tokens:
    """Issues and verifies tokens.

    Args:
        key: signs; at least 64 random bytes, kept encrypted in the store.
        algorithm: one of PyJWT's HMAC algorithms.
        access_s: life of an access token.
        refresh_s: life of a refresh token.
        clock: tells the time.
    """

    def __init__(
        self,
        key: bytes,
        *,
        algorithm: str = "HS256",
        access_s: int = 60 * 60,
        refresh_s: int = 30 * 24 * 60 * 60,
        clock: Clock | None = None,
    ) -> None:
        self._key = key
        self._algorithm = algorithm
        self._access_s = access_s
        self._refresh_s = refresh_s
        self._clock = clock or SystemClock()
        self._outdated: dict[UUID, tuple[int, int]] = {}
        self._genuine: Lru[str, AccessToken] = Lru(REMEMBERED)
        self._prune_at = FIRST_PRUNE

    def outdating_now(self) -> tuple[int, int]:
        """Return the ``before_ms`` and ``forget_ms`` of :meth:`outdate` for a change made now."""
        now_ms = self._clock.now_ms()
        return now_ms, now_ms + max(self._access_s, self._refresh_s) * 1_000

    def issue(self, caller: Caller, *, after_ms: int = 0) -> TokenPair:
        """Make a pair for a caller, in its session or, when it has none, in a new one.

        ``after_ms`` is a time at which this caller's tokens were outdated just now: the new ones
        count as issued later, even within the same millisecond.
        """
        if not caller.session_id:
            caller = replace(caller, session_id=str(uuid4()))
        subjects = (caller.user_id, caller.customer_id, caller.tenant_id)
        outdated_ms = max(self._outdated_until(subject) for subject in subjects)
        # Later than that, whatever the clock says: it may have been put back since.
        issued_ms = max(self._clock.now_ms(), after_ms + 1, outdated_ms + 1)
        common: dict[str, Any] = {
            "sub": caller.email,
            "userId": str(caller.user_id),
            "sessionId": caller.session_id,
            "iss": ISSUER,
            "iat": issued_ms // 1_000,
            "iatMs": issued_ms,
            "isPublic": caller.is_public,
        }
        access = common | {
            "scopes": [caller.authority.value],
            "exp": issued_ms // 1_000 + self._access_s,
            "firstName": caller.first_name,
            "lastName": caller.last_name,
            "enabled": True,
            "tenantId": str(caller.tenant_id or NULL_UUID),
            "customerId": str(caller.customer_id or NULL_UUID),
        }
        refresh = common | {
            "scopes": [REFRESH_SCOPE],
            "exp": issued_ms // 1_000 + self._refresh_s,
            "jti": str(uuid4()),
        }
        return TokenPair(self._sign(access), self._sign(refresh))

    def verify_access(self, token: str) -> Caller:
        """Return who the access token speaks for.

        Raises:
            BadToken: it is no access token of ours.
            TokenExpired: it is too old or was outdated.
        """
        return self.read_access(token).caller

    def read_access(self, token: str) -> AccessToken:
        """Return the access token's content; raises as :meth:`verify_access`."""
        access = self._genuine.get(token)
        if access is None:
            access = self._parse_access(token)
            self._genuine.put(token, access)
        if self.is_outdated(access):
            raise _expired()
        return access

    def _parse_access(self, token: str) -> AccessToken:
        claims = self._decode(token)
        try:
            caller = Caller(
                user_id=UUID(claims["userId"]),
                authority=Authority(claims["scopes"][0]),
                tenant_id=_none_if_null(claims["tenantId"]),
                customer_id=_none_if_null(claims["customerId"]),
                email=claims["sub"],
                first_name=claims.get("firstName"),
                last_name=claims.get("lastName"),
                session_id=claims["sessionId"],
                is_public=bool(claims.get("isPublic")),
            )
            return AccessToken(
                caller, UUID(caller.session_id), int(claims["iatMs"]), int(claims["exp"]) * 1_000
            )
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise _bad() from error

    def verify_refresh(self, token: str) -> RefreshToken:
        """Return what a refresh token says; raises as :meth:`verify_access`."""
        claims = self._decode(token)
        try:
            if claims["scopes"] != [REFRESH_SCOPE]:
                raise _bad()
            refresh = RefreshToken(
                user_id=UUID(claims["userId"]),
                session_id=UUID(claims["sessionId"]),
                subject=str(claims["sub"]),
                is_public=bool(claims.get("isPublic")),
            )
            issued_ms = int(claims["iatMs"])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise _bad() from error
        self._refuse_outdated(issued_ms, refresh.session_id, refresh.user_id)
        return refresh

    def is_outdated(self, access: AccessToken) -> bool:
        """Return whether a token that was valid before is not any more."""
        caller = access.caller
        subjects = (access.session_id, caller.user_id, caller.customer_id, caller.tenant_id)
        return access.expires_ms <= self._clock.now_ms() or any(
            self._is_outdated(access.issued_ms, subject) for subject in subjects
        )

    def outdate(self, subject_id: UUID, before_ms: int, forget_ms: int) -> None:
        """Refuse from now on what was issued to a session, user, customer or tenant until then.

        Args:
            subject_id: id of the session, user, customer or tenant.
            before_ms: tokens issued up to and in this millisecond are refused.
            forget_ms: when every such token has expired anyway.
        """
        known_ms, known_forget_ms = self._outdated.get(subject_id, (0, 0))
        self._outdated[subject_id] = (max(known_ms, before_ms), max(known_forget_ms, forget_ms))
        if len(self._outdated) >= self._prune_at:
            self._prune()

    def forget(self, subject_id: UUID) -> None:
        """Drop what :meth:`outdate` was told of a subject, because another entry covers it."""
        self._outdated.pop(subject_id, None)

    @property
    def outdated_count(self) -> int:
        """How many outdatings are held."""
        return len(self._outdated)

    def _prune(self) -> None:
        now_ms = self._clock.now_ms()
        self._outdated = {id_: pair for id_, pair in self._outdated.items() if pair[1] > now_ms}
        self._prune_at = max(FIRST_PRUNE, 2 * len(self._outdated))

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm=self._algorithm)

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            # Expiry is checked below, against our clock.
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=ISSUER,
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidSignatureError as error:
            raise _expired() from error
        except jwt.PyJWTError as error:
            raise _bad() from error
        if int(claims["exp"]) * 1_000 <= self._clock.now_ms():
            raise _expired()
        return claims

    def _refuse_outdated(self, issued_ms: int, *subjects: UUID | None) -> None:
        for subject in subjects:
            if self._is_outdated(issued_ms, subject):
                raise _expired()

    def _is_outdated(self, issued_ms: int, subject: UUID | None) -> bool:
        return issued_ms <= self._outdated_until(subject)

    def _outdated_until(self, subject: UUID | None) -> int:
        entry = self._outdated.get(subject) if subject is not None else None
        return 0 if entry is None else entry[0]


def _none_if_null(text: str) -> UUID | None:
    value = UUID(text)
    return None if value == NULL_UUID else value


def _bad() -> BadToken:
    return BadToken("Invalid username or password")


def _expired() -> TokenExpired:
    return TokenExpired("Token has expired")
