import asyncio

import pytest

from fieldline.kit.errors import Invalid, Unavailable
from fieldline.security.passwords import Passwords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(cost=4)


async def test_a_password_matches_its_own_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")

    assert await passwords.verify("correct horse", stored)
    assert not await passwords.verify("incorrect horse", stored)


async def test_the_hash_does_not_hold_the_password(passwords: Passwords) -> None:
    assert "correct horse" not in await passwords.hash("correct horse")


async def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify("anything", None)
    assert not await passwords.verify("", None)


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 73, "é" * 37, "with\0nul", "\ud800aaaaaaa"]
)
async def test_refuses_a_password_that_cannot_be_kept(passwords: Passwords, password: str) -> None:
    with pytest.raises(Invalid):
        await passwords.hash(password)


async def test_a_password_over_72_bytes_never_matches(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 72)

    assert await passwords.verify("x" * 72, stored)
    assert not await passwords.verify("x" * 72 + "y", stored)


async def test_more_than_may_wait_are_refused_and_the_others_served() -> None:
    passwords = Passwords(cost=4, threads=1, max_waiting=3)

    results = await asyncio.gather(
        *(passwords.verify("x", None) for _ in range(5)), return_exceptions=True
    )

    assert sum(result is False for result in results) == 3
    assert sum(isinstance(result, Unavailable) for result in results) == 2
    assert await passwords.verify("x", None) is False
