"""Where connections may go that tenants ask for, to brokers for example.

Tenants name a host, and the server connects to it from inside its own network, where things answer
that trust whoever is there. ``OUTBOUND_DENIED_NETWORKS`` keeps tenants from them.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from fieldline.kit.errors import Invalid

Network = IPv4Network | IPv6Network
_LOOPBACK = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}


class Outbound:
    """Tells the addresses of hosts, without those in denied networks."""

    def __init__(self, denied: Sequence[Network] = ()) -> None:
        self._denied = tuple(denied)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be connected to, at least one.

        Connect to these, not to the host: by the next look-up it may be somewhere else.

        Raises:
            Invalid: all of them are in denied networks.
            OSError: the host is not found.
            UnicodeError: it can be no host's name.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        allowed = [address for address in addresses if not self._is_denied(address)]
        if not allowed:
            where = addresses[0] if host in addresses else f"{host} ({', '.join(addresses)})"
            msg = (
                f"{where} is in a network that nothing here may connect to for tenants; the "
                "server's OUTBOUND_DENIED_NETWORKS says which"
            )
            raise Invalid(msg)
        return allowed

    def _is_denied(self, text: str) -> bool:
        found = {address := ip_address(text)}
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            found.add(address := address.ipv4_mapped)
        if address.is_unspecified:  # the machine itself answers
            found.add(_LOOPBACK[address.version])
        return any(address in network for network in self._denied for address in found)
