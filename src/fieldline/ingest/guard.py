"""Keeps credentials of devices from being guessed, without locking devices out.

What is counted are *new* wrong credentials of an address, and new wrong passwords of a user name
from anywhere; over a limit further ones are refused unseen for a while. A device that comes back
with the same wrong token counts once, and credentials that were right from an address before are
let through from there. So a few bad devices behind one router, or somebody who guesses there, do
not keep the good ones away (ADR 0028).
"""

import ipaddress
import logging
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fieldline.kit.errors import RateLimited
from fieldline.kit.lru import Lru
from fieldline.security.attempts import AttemptLimit

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 100_000
"""Right and wrong credentials of addresses that are remembered, each at about 150 bytes."""
LOG_INTERVAL_MS = 10_000
UNKNOWN = ""
"""The address of who comes from nowhere that is known; nothing is counted for it."""
_GUESSING = "Too many wrong credentials of devices came from this address; try again later"
_GUESSED = "Too many wrong passwords came for this user name; try again later"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What may be tried.

    Attributes:
        most: new wrong credentials of an address within ``period_ms``; 0 lets anything be tried.
        most_per_name: new wrong passwords of a user name within that time, from any addresses.
        period_ms: also how long those that came too fast are refused.
        exempt: networks whose addresses stand for many others (a load balancer).
    """

    most: int = 10
    most_per_name: int = 100
    period_ms: int = 60_000
    exempt: Sequence[Network] = ()


class Login(NamedTuple):
    """An attempt to log in: whence, with what, and as whom where there is a password to guess.

    ``right`` is what of the credentials stays the same when they are right.
    """

    address: str
    credentials: Hashable
    right: Hashable
    name: str | None = None


class LoginGuard:
    """See the module's text.

    Attributes:
        failed: wrong credentials since the start.
        refused: log-ins that were refused unseen.
    """

    def __init__(self, options: GuardOptions) -> None:
        self.failed = 0
        self.refused = 0
        self._options = options
        self._is_on = options.most > 0
        self._of_address = AttemptLimit(options.most, options.period_ms)
        self._of_name = AttemptLimit(options.most_per_name, options.period_ms)
        # Hashes of a key that is the process's own (PEP 456): no credentials are kept here.
        self._right: Lru[int, bool] = Lru(MAX_REMEMBERED)
        self._wrong: Lru[int, bool] = Lru(MAX_REMEMBERED)
        self._logged_ms = -LOG_INTERVAL_MS
        self._unlogged = 0

    def check(self, login: Login, now_ms: int) -> None:
        """Let an attempt be made.

        Raises:
            RateLimited: too many wrong ones came from there, or with this name.
        """
        network = self._network(login.address)
        if network == UNKNOWN or self._right.get(hash((network, login.right))):
            return
        try:
            self._of_address.check(network, now_ms)
        except RateLimited as error:
            raise self._refuse(login, error, _GUESSING, now_ms) from None
        if login.name is None:
            return
        try:
            self._of_name.check(login.name, now_ms)
        except RateLimited as error:
            raise self._refuse(login, error, _GUESSED, now_ms) from None

    def note_right(self, login: Login) -> None:
        """Note that an attempt's credentials were right."""
        network = self._network(login.address)
        if network != UNKNOWN:
            self._right.put(hash((network, login.right)), value=True)

    def note_wrong(self, login: Login, now_ms: int) -> None:
        """Note that an attempt's credentials were wrong."""
        self.failed += 1
        network = self._network(login.address)
        if network == UNKNOWN:
            return
        self._right.pop(hash((network, login.right)))
        key = hash((network, login.credentials))
        if self._wrong.get(key):
            return
        self._wrong.put(key, value=True)
        self._count(self._of_address, network, now_ms)
        if login.name is not None:
            self._count(self._of_name, login.name, now_ms)

    def _count(self, limit: AttemptLimit, key: Hashable, now_ms: int) -> None:
        with suppress(RateLimited):  # several were let through before the first was found wrong
            limit.take(key, now_ms)

    def _network(self, address: str) -> str:
        if not self._is_on:
            return UNKNOWN
        network, parsed = network_of(address)
        if parsed is not None and any(parsed in each for each in self._options.exempt):
            return UNKNOWN
        return network

    def _refuse(self, login: Login, error: RateLimited, why: str, now_ms: int) -> RateLimited:
        self.refused += 1
        self._unlogged += 1
        if now_ms - self._logged_ms >= LOG_INTERVAL_MS or now_ms < self._logged_ms:
            logger.warning(
                "log-ins of devices from %s are refused: %s (%d refused since the last such line)",
                login.address,
                why,
                self._unlogged,
            )
            self._logged_ms, self._unlogged = now_ms, 0
        return RateLimited(why, retry_after_s=error.retry_after_s)


@lru_cache(4_096)
def network_of(address: str) -> tuple[str, ipaddress.IPv4Address | ipaddress.IPv6Address | None]:
    """Return what stands for an address, and the address itself: of IPv6, a site's /64."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address, None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped), parsed.ipv4_mapped
        return str(ipaddress.IPv6Network((parsed, 64), strict=False)), parsed
    return str(parsed), parsed
