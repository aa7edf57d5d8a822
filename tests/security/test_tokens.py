import base64
from dataclasses import replace
from uuid import UUID, uuid4

import jwt
import pytest

from fieldline.kit.clock import ManualClock
from fieldline.kit.ids import NULL_UUID
from fieldline.kit.json import loads
from fieldline.security.caller import Authority, Caller
from fieldline.security.tokens import FIRST_PRUNE, BadToken, TokenExpired, Tokens

KEY = b"k" * 64
SESSION = "0b0b4dd4-0e0a-4e7b-8f9c-1d2e3f405162"
USER = Caller(
    user_id=uuid4(),
    authority=Authority.CUSTOMER_USER,
    tenant_id=uuid4(),
    customer_id=uuid4(),
    email="a@example.com",
    first_name="A",
    last_name=None,
    session_id=SESSION,
)


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(KEY, clock=clock)


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    found: dict[str, object] = loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_an_access_token_speaks_for_its_caller(tokens: Tokens) -> None:
    assert tokens.verify_access(tokens.issue(USER).access) == USER


def test_a_refresh_token_names_user_and_session(tokens: Tokens) -> None:
    refresh = tokens.verify_refresh(tokens.issue(USER).refresh)

    assert (refresh.user_id, refresh.session_id) == (USER.user_id, UUID(SESSION))


def test_a_log_in_without_a_session_starts_one(tokens: Tokens) -> None:
    first, second = (tokens.issue(replace(USER, session_id="")) for _ in range(2))

    assert claims(first.access)["sessionId"] == claims(first.refresh)["sessionId"]
    assert claims(first.access)["sessionId"] != claims(second.access)["sessionId"]


def test_access_claims_are_those_that_clients_read(tokens: Tokens, clock: ManualClock) -> None:
    now_s = clock.now_ms() // 1000

    found = claims(tokens.issue(USER).access)

    assert found["iat"] == now_s
    assert found["exp"] == now_s + 3600
    assert found["scopes"] == ["CUSTOMER_USER"]
    assert found["tenantId"] == str(USER.tenant_id)
    assert found["enabled"] is True
    assert found["isPublic"] is False
    assert found["iss"] == "thingsboard.io"


def test_no_tenant_is_the_null_id_on_the_wire(tokens: Tokens) -> None:
    pair = tokens.issue(Caller(user_id=uuid4(), authority=Authority.SYS_ADMIN))

    assert claims(pair.access)["tenantId"] == str(NULL_UUID)
    assert tokens.verify_access(pair.access).tenant_id is None


def test_tokens_expire_at_their_own_times(tokens: Tokens, clock: ManualClock) -> None:
    pair = tokens.issue(USER)

    clock.advance(60 * 60 * 1000)

    with pytest.raises(TokenExpired):
        tokens.verify_access(pair.access)
    assert tokens.verify_refresh(pair.refresh)
    clock.advance(30 * 24 * 60 * 60 * 1000)
    with pytest.raises(TokenExpired):
        tokens.verify_refresh(pair.refresh)


def test_one_kind_of_token_does_not_pass_as_the_other(tokens: Tokens) -> None:
    pair = tokens.issue(USER)

    with pytest.raises(BadToken):
        tokens.verify_access(pair.refresh)
    with pytest.raises(BadToken):
        tokens.verify_refresh(pair.access)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "🙂", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(BadToken):
        tokens.verify_access(token)


def test_another_keys_signature_counts_as_expired(tokens: Tokens, clock: ManualClock) -> None:
    foreign = Tokens(b"x" * 64, clock=clock).issue(USER)

    with pytest.raises(TokenExpired):
        tokens.verify_access(foreign.access)


def test_an_unsigned_token_is_refused(tokens: Tokens) -> None:
    content = jwt.decode(tokens.issue(USER).access, options={"verify_signature": False})
    unsigned = jwt.encode(content, None, algorithm="none")  # type: ignore[arg-type]

    with pytest.raises(BadToken):
        tokens.verify_access(unsigned)


def test_a_signed_token_with_odd_claims_is_refused(tokens: Tokens) -> None:
    content = jwt.decode(tokens.issue(USER).access, options={"verify_signature": False})
    changes: list[dict[str, object]] = [
        {"scopes": []},
        {"userId": 7},
        {"sessionId": "x"},
        {"iatMs": None},
    ]
    for change in changes:
        odd = jwt.encode(content | change, KEY, algorithm="HS256")
        with pytest.raises(BadToken):
            tokens.verify_access(odd)


@pytest.mark.parametrize("subject", [UUID(SESSION), USER.user_id, USER.customer_id, USER.tenant_id])
def test_outdating_a_subject_ends_its_access_tokens(
    tokens: Tokens, clock: ManualClock, subject: UUID
) -> None:
    access = tokens.issue(USER).access
    held = tokens.read_access(access)
    before_ms, forget_ms = tokens.outdating_now()

    tokens.outdate(subject, before_ms, forget_ms)

    assert tokens.is_outdated(held)
    with pytest.raises(TokenExpired):
        tokens.verify_access(access)
    clock.advance(1)
    assert tokens.verify_access(tokens.issue(USER).access) == USER


def test_tokens_issued_after_the_change_in_the_same_millisecond_are_valid(tokens: Tokens) -> None:
    before_ms, forget_ms = tokens.outdating_now()
    tokens.outdate(USER.user_id, before_ms, forget_ms)

    pair = tokens.issue(USER, after_ms=before_ms)

    assert tokens.verify_access(pair.access) == USER
    assert tokens.verify_refresh(pair.refresh)


def test_what_cannot_matter_any_more_is_forgotten(tokens: Tokens, clock: ManualClock) -> None:
    before_ms, forget_ms = tokens.outdating_now()
    for _ in range(FIRST_PRUNE - 1):
        tokens.outdate(uuid4(), before_ms, forget_ms)
    clock.advance(forget_ms - before_ms + 1)

    tokens.outdate(uuid4(), *tokens.outdating_now())

    assert tokens.outdated_count == 1
