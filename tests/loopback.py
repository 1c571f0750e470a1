"""Clients of servers on this machine, which speak plain HTTP."""

from __future__ import annotations

import ssl

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Whom such a client trusts: it takes longer to load the system's certificates than to ask."""
