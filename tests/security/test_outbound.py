from ipaddress import ip_network

import pytest

from fieldline.kit.errors import Invalid
from fieldline.security.outbound import Outbound

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


async def test_without_denied_networks_a_host_may_be_anywhere() -> None:
    assert await Outbound().addresses("127.0.0.1", 1883) == ["127.0.0.1"]
    assert await Outbound().addresses("::1", 1883) == ["::1"]
    assert "127.0.0.1" in await Outbound().addresses("localhost", 1883)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "localhost",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "127.1",
        "0",
    ],
)
async def test_all_ways_to_name_the_machine_itself_are_denied(host: str) -> None:
    with pytest.raises(Invalid, match="OUTBOUND_DENIED_NETWORKS"):
        await Outbound(LOOPBACK).addresses(host, 1883)


@pytest.mark.parametrize(
    ("network", "host"),
    [("0.0.0.0/8", "0.0.0.0"), ("::/128", "::"), ("::ffff:0:0/96", "::ffff:10.1.2.3")],
)
async def test_what_an_address_is_written_as_counts_too(network: str, host: str) -> None:
    with pytest.raises(Invalid):
        await Outbound([ip_network(network)]).addresses(host, 1883)


async def test_who_is_denied_learns_where_the_host_is() -> None:
    with pytest.raises(Invalid, match=r"localhost \(.*127\.0\.0\.1.*\) is in a network"):
        await Outbound(LOOPBACK).addresses("localhost", 1883)


async def test_addresses_that_are_not_denied_are_left() -> None:
    only_6 = Outbound([ip_network("::/0")])

    assert await only_6.addresses("localhost", 1883) == ["127.0.0.1"]


async def test_a_host_that_is_not_found() -> None:
    with pytest.raises(OSError, match="known"):
        await Outbound().addresses("no-such-host.invalid", 1883)
