"""What a scan finds: lists, objects and scalars, each as it is written, whole or not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

_MAX_RAW = 200
_STRANGE_IN_KEY = re.compile(r'[\[\]{}"]')


class Bare(str):
    """A scalar that stands without quotes: a number, `true`, `null`, a word, noise."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class JsonList:
    """What stands between two square brackets.

    Attributes:
        source: The text that it stands in; `source[start:end]` is its own.
        start: Where its bracket opens.
        end: Just behind its closing bracket; -1 where the text, or its fence, ends before that.
        whole: Whether its closing bracket is its own, and nothing strange stands between.
        items: Its elements in order. A string is what stands between the quotes, as written.
        holds_object: Whether any of its elements is an object.
        holds_quoted: Whether any of its elements stands in quotes, or holds one that does.
    """

    source: str = field(repr=False)
    start: int
    end: int = -1
    whole: bool = True
    items: list[Value] = field(default_factory=list)
    holds_object: bool = False
    holds_quoted: bool = False

    awaits_value = True
    """Whether a list or an object can follow: in a list always."""

    @property
    def empty(self) -> bool:
        """Whether it holds nothing, or nothing but lists that hold nothing."""
        return all(isinstance(item, JsonList) and item.empty for item in self.items)

    def add(self, value: Value) -> None:
        """Append `value`."""
        self.items.append(value)
        if isinstance(value, JsonObject):
            self.holds_object = True
        elif isinstance(value, str) and not (isinstance(value, Bare) and not value.startswith('"')):
            self.holds_quoted = True

    def add_key(self, _key: str, *, after_comma: bool) -> None:  # noqa: ARG002 - as in JsonObject
        """Note that a key stands here: the brace of its object is missing."""
        self.whole = False

    def add_noise(self, noise: str) -> None:
        """Note characters that have no place here: they stand where an element should."""
        self.items.append(Bare(noise))

    def finish(self, end: int) -> None:
        """Note where it ends."""
        self.end = end


@dataclass(slots=True, eq=False)
class JsonObject:
    """What stands between two braces.

    Attributes:
        source: The text that it stands in; `source[start:end]` is its own.
        start: Where its brace opens.
        end: Just behind its closing brace; -1 where the text, or its fence, ends before that.
        whole: Whether its closing brace is its own, and nothing strange stands between.
        members: Keys and values in order, a key as often as it is written; lists and objects
            without a key are under "". A string is what stands between the quotes, as written.
        key: While it is read, the key whose value comes next.
        half_key: While it is read, whether the last thing in it was a key without its colon.
    """

    source: str = field(repr=False)
    start: int
    end: int = -1
    whole: bool = True
    members: list[tuple[str, Value]] = field(default_factory=list)
    key: str | None = None
    half_key: bool = False

    @property
    def cut_in_value(self) -> bool:
        """Whether the text ends within its last value, or may do so: `40` can go on as `400`."""
        if self.end >= 0 or self.key is not None or self.half_key or not self.members:
            return False
        last = self.members[-1][1]
        return isinstance(last, Bare) if isinstance(last, str) else last.end < 0

    @property
    def awaits_value(self) -> bool:
        """Whether a list or an object can follow: behind a key."""
        return self.key is not None

    def add(self, value: Value) -> None:
        """Put `value` under the key that was read before it."""
        if self.key is not None:
            self.members.append((self.key, value))
            self.key = None
            return
        self._end_half_key()
        self.half_key = isinstance(value, str)
        self.whole = self.whole and self.half_key
        if not isinstance(value, str):
            self.members.append(("", value))

    def add_key(self, key: str, *, after_comma: bool) -> None:
        """Note a key; one before it without a value has an empty one, if a comma says so.

        Without the comma, or with JSON in the key, two members may have merged.
        """
        if self.key is not None and after_comma:
            self.add(Bare())
        self._end_half_key()
        self.whole = self.whole and self.key is None and not _STRANGE_IN_KEY.search(key)
        self.key = key

    def add_noise(self, noise: str) -> None:
        """Note characters that have no place here; a comma too many does no harm."""
        self._end_half_key()
        self.whole = self.whole and noise == ","

    def finish(self, end: int) -> None:
        """Note where it ends; a key without a value has an empty one."""
        self._end_half_key()
        self.end = end
        if self.key is not None:
            self.members.append((self.key, Bare()))

    def _end_half_key(self) -> None:
        """Note that the text goes on: a key without its colon is a fault within it, and no cut."""
        self.whole = self.whole and not self.half_key
        self.half_key = False


Node: TypeAlias = JsonList | JsonObject
Value: TypeAlias = str | JsonList | JsonObject


def raw_from_value(value: Value) -> str:
    """Return the text of `value`, at most 200 characters of it."""
    if isinstance(value, str):
        return value[:_MAX_RAW]
    end = value.end if value.end >= 0 else len(value.source)
    return value.source[value.start : min(end, value.start + _MAX_RAW)]
