"""Passwords: bcrypt in a few threads, so that hashing never stops the event loop.

A hash costs about a quarter of a second of a processor. How many may wait is limited: a flood of
log-ins is answered with "try again" instead of starving the readings.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import bcrypt

from fieldline.kit.errors import Invalid, Unavailable

T = TypeVar("T")
MAX_BYTES = 72
"""bcrypt reads no more; a longer password would be cut silently."""
MIN_LENGTH = 6
DEFAULT_COST = 12
"""log2 of the rounds: OWASP asks for 10 at least."""


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a new password must be."""

    minimum_length: int = MIN_LENGTH
    maximum_length: int = MAX_BYTES

    def check(self, password: str) -> None:
        """Raise :class:`Invalid` for a password that is too short, too long, or not text."""
        if len(password) < self.minimum_length:
            msg = f"Password must be {self.minimum_length} or more characters in length."
            raise Invalid(msg)
        if len(password) > self.maximum_length:
            msg = f"Password must be no more than {self.maximum_length} characters in length."
            raise Invalid(msg)
        if len(encoded(password)) > MAX_BYTES:
            msg = f"Password must be no more than {MAX_BYTES} bytes in UTF-8."
            raise Invalid(msg)


class Passwords:
    """Hashes and checks passwords.

    Args:
        threads: how many are worked on at once.
        max_waiting: how many may be under way or wait; one more is refused.
        cost: log2 of bcrypt's rounds; tests use 4.
        policy: what new passwords must be.
    """

    def __init__(
        self,
        *,
        threads: int = 2,
        max_waiting: int = 32,
        cost: int = DEFAULT_COST,
        policy: PasswordPolicy | None = None,
    ) -> None:
        self.policy = policy or PasswordPolicy()
        self._cost = cost
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="passwords")
        self._max_waiting = max_waiting
        self._waiting = 0
        # Compared with when there is no such user, so that the answer takes as long: a salt and
        # 31 characters that no password gives.
        self._nobody = bcrypt.gensalt(cost).decode() + "." * 31

    async def hash(self, password: str) -> str:
        """Return the hash to store of a new password.

        Raises:
            Invalid: the policy refuses it.
            Unavailable: too many wait.
        """
        self.policy.check(password)
        salt = bcrypt.gensalt(self._cost)
        return (await self._run(partial(bcrypt.hashpw, encoded(password), salt))).decode()

    async def verify(self, password: str, stored_hash: str | None) -> bool:
        """Return whether it is the password of that hash; None takes as long and is false.

        Raises:
            Unavailable: too many wait.
        """
        given = encoded(password)
        is_possible = stored_hash is not None and len(given) <= MAX_BYTES
        against = (stored_hash or self._nobody).encode()
        is_same = await self._run(partial(bcrypt.checkpw, given[:MAX_BYTES], against))
        return is_same and is_possible

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._max_waiting:
            raise Unavailable("Too many log-ins at once; try again")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def encoded(password: str) -> bytes:
    """Return the password's UTF-8 bytes.

    Raises:
        Invalid: it holds what is no character (a lone surrogate, NUL).
    """
    if "\0" in password:
        raise Invalid("A password cannot hold the character U+0000")
    try:
        return password.encode()
    except UnicodeEncodeError as error:
        raise Invalid("The password is not valid Unicode text") from error
