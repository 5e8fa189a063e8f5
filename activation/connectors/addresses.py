"""Which network addresses a connector may talk to.

A destination's host name is resolved once per batch, every address it has must be a public one,
and the connection is made to an address that was checked: a name that resolves differently a
moment later (DNS rebinding) can't lead into the private network.
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from activation.connectors.protocol import ConnectorError

Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) -> the addresses of the host, as text."""


class UnresolvedHostError(Exception):
    """The name has no address at the moment."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for the host.

    Raises UnresolvedHostError when there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnresolvedHostError from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_address(host: str, port: int, *, private_allowed: bool, resolver: Resolver) -> str:
    """One address of the host that may be connected to.

    Raises ConnectorError when an address is not public and the settings don't allow this host by
    name, UnresolvedHostError when the host has no address.
    """
    addresses = resolver(host, port)
    if not addresses:
        raise UnresolvedHostError
    if not private_allowed and not all(_is_public(address) for address in addresses):
        raise ConnectorError(
            f"The destination's host {host!r} resolves to an address that is not public. If that "
            "is intended, name the host under allow_private_hosts in destinations.yml."
        )
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # An embedded IPv4 address is where the packets end up.
        embedded = parsed.ipv4_mapped or parsed.sixtofour
        if embedded is not None:
            return embedded.is_global and not embedded.is_multicast
        if parsed.packed.startswith(bytes.fromhex("0064ff9b")):
            return False
    return parsed.is_global and not parsed.is_multicast
