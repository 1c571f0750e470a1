"""Which public addresses Gemini fetches: from hosts that let it in."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from label_studio_gemini.gemini.uploads.choice import inline_images

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from label_studio_gemini.gemini.types import GeminiRequest

_KNOWN = 1_000


class ClosedHosts:
    """The hosts that Gemini could not fetch an image from: the last 1,000 of this process."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, None] = OrderedDict()

    def open_addresses(self, request: GeminiRequest) -> frozenset[str]:
        """Return the addresses of a request's images that are not of such a host."""
        addresses = {one.address for one in inline_images(request) if one.address is not None}
        return frozenset(one for one in addresses if _host(one) not in self._hosts)

    def add(self, addresses: AbstractSet[str], said: str) -> None:
        """Remember the hosts of those addresses that a refusal names, or else of all of them.

        Args:
            addresses: By which images were named.
            said: What the service said.
        """
        hosts = {_host(one) for one in addresses}
        for host in {one for one in hosts if one in said.lower()} or hosts:
            self._hosts[host] = None
            self._hosts.move_to_end(host)
        while len(self._hosts) > _KNOWN:
            self._hosts.popitem(last=False)


def _host(address: str) -> str:
    return urlsplit(address).netloc.lower()
