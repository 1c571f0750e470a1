"""How far an IP address reaches: the whole internet, a private network, or where no image ever is.

A task's author chooses the addresses that this machine opens. Unchecked, that is a way to the
services beside it: a database's status page, the cloud's metadata service with its credentials.
Source: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IpAddress = IPv4Address | IPv6Address


class Reach(IntEnum):
    """From harmless to never."""

    PUBLIC = 0
    PRIVATE = 1
    """This machine, a private network, or a range that has no business on the internet."""
    NEVER = 2
    """Link-local, a cloud's metadata service, multicast: no Label Studio lives there."""


_NEVER = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service of most clouds
        "fe80::/10",
        "fd00:ec2::254/128",  # the same of AWS, over IPv6
        "100.100.100.200/32",  # of Alibaba
        "192.0.0.192/32",  # of Oracle
        "224.0.0.0/4",
        "ff00::/8",
        "255.255.255.255/32",
    )
)

# What `is_global` lets through, or lets through in some versions of Python.
_PRIVATE = tuple(
    ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "fec0::/10",  # site-local
        "64:ff9b:1::/48",  # NAT64 of a local network: what is behind it, the network decides
    )
)

_NAT64 = ip_network("64:ff9b::/96")


def reach(address: IpAddress) -> Reach:
    """Return how far `address` reaches; one that embeds an IPv4 address reaches as far as that."""
    address = _embedded(address) or address
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    closed = (
        not address.is_global
        or address.is_reserved
        or any(address in network for network in _PRIVATE)
    )
    return Reach.PRIVATE if closed else Reach.PUBLIC


def _embedded(address: IpAddress) -> IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address end up at, if there is one."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def read_ip(text: str) -> IpAddress:
    """Read an IP address as a resolver gives it, an interface after `%` left off."""
    return ip_address(text.partition("%")[0])
