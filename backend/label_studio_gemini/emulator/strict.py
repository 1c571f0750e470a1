"""Bodies held to the letter: what is unknown, missing or of a wrong type is refused."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, TypeAlias

import pydantic_core
from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, Strict
from pydantic.alias_generators import to_camel, to_snake

from label_studio_gemini.emulator.refusals import Refusal

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LONGEST_VALUE = 80


class StrictModel(BaseModel):
    """A body whose names are spelled one way."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProtoModel(BaseModel):
    """A body of the protobuf JSON: each name in camelCase or in snake_case."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
    )


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")  # noqa: TRY004 - pydantic's protocol
    return value


Text: TypeAlias = Annotated[str, Strict()]
Flag: TypeAlias = Annotated[bool, Strict()]
Whole: TypeAlias = Annotated[int, BeforeValidator(_no_flag)]
"""A whole number; the protobuf JSON also takes "8192" and 8192.0."""
Real: TypeAlias = Annotated[float, BeforeValidator(_no_flag)]


def read_json(body: bytes) -> JsonValue:
    """Return the JSON of a body.

    Raises:
        ValueError: If it is none.
    """
    value: JsonValue = pydantic_core.from_json(body, allow_inf_nan=False, cache_strings="keys")
    return value


def path_from_loc(loc: tuple[int | str, ...], *, snake: bool, tags: frozenset[str]) -> str:
    """Return pydantic's place of an error as the services write it: `contents[0].parts[1]`.

    Args:
        loc: The place.
        snake: Whether the names are given in snake_case whatever was sent.
        tags: The names of variants, which pydantic puts between and the services do not.
    """
    path = ""
    for before, step in zip((None, *loc), loc, strict=False):
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (isinstance(before, int) and step in tags):
            path += f".{to_snake(step) if snake else step}"
    return path.removeprefix(".")


def shown(error: ErrorDetails) -> str:
    """Return the value that was refused, cut short: it may be a whole image."""
    text = pydantic_core.to_json(error["input"], serialize_unknown=True).decode()
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def bytes_from_base64(text: str, *, url_safe: bool) -> bytes:
    """Decode base64.

    Args:
        text: The base64.
        url_safe: Whether both alphabets are right and padding may be left out, as in the protobuf
            JSON; otherwise only the standard alphabet with padding is.

    Raises:
        ValueError: If it is not that.
    """
    if url_safe:
        text = text.replace("-", "+").replace("_", "/").rstrip("=")
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def check_range(name: str, value: float | None, lowest: float, highest: float) -> None:
    """Refuse a number outside its range.

    Raises:
        Refusal: If `value` is given and not within `lowest` and `highest`.
    """
    if value is not None and not lowest <= value <= highest:
        raise Refusal(f"`{name}` must be in the range [{lowest:g}, {highest:g}], got {value:g}.")
