"""Which endpoint a request speaks to, and the type of the JSON that travels."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from pydantic import JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]


class Api(StrEnum):
    """One of the endpoints; each of the two families has its own form of error."""

    GENERATE_CONTENT = "generate_content"
    INTERACTIONS = "interactions"
    COUNT_TOKENS = "count_tokens"
    MODELS = "models"
    FILES = "files"
    OTHER = "other"


GENERATION = frozenset({Api.GENERATE_CONTENT, Api.INTERACTIONS})
"""The endpoints at which a model answers."""
