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
    """

    source: str = field(repr=False)
    start: int
    end: int = -1
    whole: bool = True
    items: list[Value] = field(default_factory=list)

    awaits_value = True
    """Whether a list or an object can follow: in a list always."""

    @property
    def empty(self) -> bool:
        """Whether it holds nothing, or nothing but lists that hold nothing."""
        return all(isinstance(item, JsonList) and item.empty for item in self.items)

    def add(self, value: Value) -> None:
        """Append `value`."""
        self.items.append(value)

    def add_key(self, _: str) -> None:
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
    """

    source: str = field(repr=False)
    start: int
    end: int = -1
    whole: bool = True
    members: list[tuple[str, Value]] = field(default_factory=list)
    key: str | None = None

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
        self.whole = False
        if not isinstance(value, str):
            self.members.append(("", value))

    def add_key(self, key: str) -> None:
        """Note a key. In the place of a value, or with JSON in it, two members may have merged."""
        self.whole = self.whole and self.key is None and not _STRANGE_IN_KEY.search(key)
        self.key = key

    def add_noise(self, noise: str) -> None:
        """Note characters that have no place here; a comma too many does no harm."""
        self.whole = self.whole and noise == ","

    def finish(self, end: int) -> None:
        """Note where it ends; a key without a value has an empty one."""
        self.end = end
        if self.key is not None:
            self.members.append((self.key, Bare()))


Node: TypeAlias = JsonList | JsonObject
Value: TypeAlias = str | JsonList | JsonObject


def raw_from_value(value: Value) -> str:
    """Return the text of `value`, at most 200 characters of it."""
    if isinstance(value, str):
        return value[:_MAX_RAW]
    end = value.end if value.end >= 0 else len(value.source)
    return value.source[value.start : min(end, value.start + _MAX_RAW)]
