"""Token counts as they arrive: absent, null or odd, and never worth an answer that was paid for."""

from __future__ import annotations

from pydantic import BaseModel, field_validator


class TokenCounts(BaseModel):
    """Fields that are numbers of tokens: whatever is no such number counts as 0."""

    @field_validator("*", mode="before")
    @classmethod
    def _count(cls, value: object) -> int:
        return value if isinstance(value, int) and value >= 0 else 0
