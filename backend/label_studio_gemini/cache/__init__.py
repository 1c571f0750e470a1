"""Nothing is paid twice, and everything that is paid is written down.

`CachingGemini` goes around all other wrappers: it keeps replies in a `ReplyStore`, notes every
request in a `Ledger`, and asks a `Budget` before it spends.
"""

from __future__ import annotations

from label_studio_gemini.cache.budget import Budget
from label_studio_gemini.cache.caching import CachingGemini
from label_studio_gemini.cache.digest import digest_of_request
from label_studio_gemini.cache.entries import Day, Entry, Kind, Project, Totals
from label_studio_gemini.cache.ledger import LEDGER_DAYS, Ledger
from label_studio_gemini.cache.store import ReplyStore
from label_studio_gemini.cache.summary import CacheSummary, show
from label_studio_gemini.cache.tables import Limits, StoreState

__all__ = [
    "LEDGER_DAYS",
    "Budget",
    "CacheSummary",
    "CachingGemini",
    "Day",
    "Entry",
    "Kind",
    "Ledger",
    "Limits",
    "Project",
    "ReplyStore",
    "StoreState",
    "Totals",
    "digest_of_request",
    "show",
]
