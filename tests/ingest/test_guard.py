"""Credentials of devices are not guessed, and devices are not locked out."""

import logging
from ipaddress import IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldline.ingest.guard import GuardOptions, Login, LoginGuard, network_of
from fieldline.ingest.parts import IngestOptions
from fieldline.kit.errors import RateLimited, Unauthenticated
from fieldline.timeseries.backends.memory import MemoryStore
from tests.ingest.world import World

HERE, ELSEWHERE = "10.0.0.1", "10.0.0.2"
OPTIONS = GuardOptions(most=3, most_per_name=5, period_ms=1_000, exempt=[ip_network("10.9.0.0/16")])


def of(credentials: str, address: str = HERE, name: str | None = None) -> Login:
    return Login(address, credentials, credentials, name)


def tried(guard: LoginGuard, login: Login, now_ms: int = 0, *, is_right: bool = False) -> bool:
    """Try to log in; returns whether it was let through."""
    try:
        guard.check(login, now_ms)
    except RateLimited:
        return False
    if is_right:
        guard.note_right(login)
    else:
        guard.note_wrong(login, now_ms)
    return True


def test_an_address_has_so_many_guesses_in_a_time() -> None:
    guard = LoginGuard(OPTIONS)

    guesses = [tried(guard, of(f"guess {number}"), number) for number in range(5)]
    right = tried(guard, of("right"), 5, is_right=True)
    elsewhere = tried(guard, of("right", ELSEWHERE), 5, is_right=True)
    later = tried(guard, of("right"), 1_000, is_right=True)

    assert guesses == [True, True, True, False, False]
    assert (right, elsewhere, later) == (False, True, True)
    assert (guard.failed, guard.refused) == (3, 3)


def test_what_was_right_from_an_address_is_let_through_from_there_only() -> None:
    guard = LoginGuard(OPTIONS)
    tried(guard, of("right"), is_right=True)
    for address in (HERE, ELSEWHERE):
        for number in range(3):
            tried(guard, of(f"guess {number}", address))

    assert tried(guard, of("right"), is_right=True)
    assert not tried(guard, of("right", ELSEWHERE), is_right=True)


def test_what_is_no_longer_right_is_a_guess() -> None:
    guard = LoginGuard(OPTIONS)
    tried(guard, of("token"), is_right=True)
    for guess in ("token", "a", "b"):
        tried(guard, of(guess))

    assert not tried(guard, of("token"))


def test_the_same_wrong_credentials_count_once() -> None:
    guard = LoginGuard(OPTIONS)

    assert all(tried(guard, of("stale"), number) for number in range(100))
    assert guard.failed == 100


@pytest.mark.parametrize("address", ["10.9.1.2", "::ffff:10.9.1.2", ""])
def test_some_addresses_are_not_counted(address: str) -> None:
    guard = LoginGuard(OPTIONS)

    assert all(tried(guard, of(f"guess {number}", address)) for number in range(10))


def test_it_can_be_switched_off() -> None:
    guard = LoginGuard(GuardOptions(most=0))

    assert all(tried(guard, of(f"guess {number}")) for number in range(10))


def test_passwords_of_one_user_are_not_guessed_from_many_addresses() -> None:
    guard = LoginGuard(OPTIONS)
    tried(guard, of("right", HERE, "meter"), is_right=True)

    guesses = [tried(guard, of("guess", f"10.1.0.{number}", "meter")) for number in range(7)]

    assert guesses == [True] * 5 + [False] * 2
    assert tried(guard, of("right", HERE, "meter"), is_right=True)
    assert tried(guard, of("right too", ELSEWHERE, "valve"), is_right=True)
    assert not tried(guard, of("right", ELSEWHERE, "meter"), is_right=True)
    assert tried(guard, of("right", ELSEWHERE, "meter"), 1_000, is_right=True)


def test_the_log_says_so_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    guard = LoginGuard(GuardOptions(most=1, period_ms=60_000))
    caplog.set_level(logging.WARNING, "fieldline.ingest.guard")

    for number in range(30):
        tried(guard, of(f"secret {number}"), number * 1_000)

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert HERE in lines[0]
    assert "(10 refused since" in lines[1]
    assert "secret" not in "".join(lines)


@given(st.integers(2**96, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_all_of_an_ipv6_site_is_one(address: int, host: int) -> None:
    site = address >> 64 << 64

    assert network_of(str(IPv6Address(address)))[0] == network_of(str(IPv6Address(site + host)))[0]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_what_stands_for_an_address(address: str, network: str) -> None:
    assert network_of(address)[0] == network


async def test_all_ways_in_count_together() -> None:
    world = World(MemoryStore(), options=IngestOptions(guard=OPTIONS))
    world.device("right")
    door = world.door

    with pytest.raises(Unauthenticated):
        await door.authenticate_token("a", HERE)
    for username, password in ((None, None), ("b", "c")):
        with pytest.raises(Unauthenticated):
            await door.authenticate_mqtt("d", username, password, address=HERE)
    with pytest.raises(RateLimited):
        await door.authenticate_mqtt("c", "right", None, address=HERE)
    with pytest.raises(RateLimited) as caught:
        await door.authenticate_token("right", HERE)

    assert caught.value.retry_after_s == 1
    assert (await door.authenticate_token("right", ELSEWHERE)).name == "meter right"


async def test_a_client_id_that_changes_does_not_make_right_credentials_new() -> None:
    world = World(MemoryStore(), options=IngestOptions(guard=OPTIONS))
    world.device("right")
    await world.door.authenticate_mqtt("first", "right", None, address=HERE)
    for guess in "abc":
        with pytest.raises(Unauthenticated):
            await world.door.authenticate_token(guess, HERE)

    found = await world.door.authenticate_mqtt("second", "right", None, address=HERE)

    assert found.name == "meter right"


async def test_certificates_are_no_guesses() -> None:
    world = World(MemoryStore(), options=IngestOptions(guard=OPTIONS))

    for number in range(5):
        with pytest.raises(Unauthenticated):
            await world.door.authenticate_mqtt("c", None, None, [b"%d" % number], HERE)
