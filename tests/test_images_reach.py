"""Which IP addresses are on the public internet."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.images.reach import Reach, reach, read_ip

PUBLIC = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808",
    "::ffff:8.8.8.8", "2002:808:808::1",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "192.88.99.1", "240.0.0.1", "::", "::1", "fd12::1", "fc00::1",
    "fec0::1", "2001:db8::1", "100::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
    "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
    "::127.0.0.1", "::8.8.8.8", "5f00::1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "224.0.0.1",
    "239.255.255.250", "ff02::1", "255.255.255.255", "100.100.100.200", "192.0.0.192",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::ffff:224.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "expected"),
    [(address, Reach.PUBLIC) for address in PUBLIC]
    + [(address, Reach.PRIVATE) for address in PRIVATE]
    + [(address, Reach.NEVER) for address in NEVER],
)
def test_reach(address: str, expected: Reach) -> None:
    assert reach(read_ip(address)) is expected


@given(st.ip_addresses(v=4))
def test_an_embedded_address_reaches_as_far_as_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for wrapped in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert reach(ipaddress.IPv6Address(wrapped)) is reach(address)


@given(st.ip_addresses())
def test_what_is_public_is_global_and_no_multicast(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if reach(address) is Reach.PUBLIC:
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local
