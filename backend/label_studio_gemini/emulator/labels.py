"""Which of the key's categories a request asks for, and by which name each is answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Words: TypeAlias = tuple[str, ...]

_WORD = re.compile(r"[^\W_]+")
_IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "knives": "knife",
}


def names_for(categories: Sequence[str], *, asked: Sequence[str], prompt: str) -> dict[str, str]:
    """Return the categories to answer, each with the name to answer it by.

    With labels asked for (the schema's enum), a category is answered by the label that is its name
    in another spelling (case, hyphens); failing that, by the first label that holds its name as
    words of its own, in the singular or a simple plural ("person walking" answers "person"). A name
    inside a longer name does not count ("hot dog" holds no "dog").

    Without labels, the categories that the prompt names in the same sense are answered, and where
    it names none, all of them.

    Args:
        categories: The category names of the key.
        asked: The labels that the schema allows; empty where it allows any.
        prompt: The text of the question, without examples.
    """
    if asked:
        return _by_label(categories, asked)
    spoken = _found(_words(prompt), {_words(name): name for name in categories})
    return {name: name for name in categories if name in spoken} or {n: n for n in categories}


def _by_label(categories: Sequence[str], asked: Sequence[str]) -> dict[str, str]:
    exact = {_words(label): label for label in reversed(asked)}
    names = {name: exact[_words(name)] for name in categories if _words(name) in exact}
    open_categories = {_words(name): name for name in categories}
    for label in asked:
        for name in _found(_words(label), open_categories):
            names.setdefault(name, label)
    return names


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))


def _found(words: Words, phrases: Mapping[Words, str]) -> set[str]:
    """Return the names whose words stand in `words`, the longest first and without overlap."""
    longest = max((len(phrase) for phrase in phrases), default=0)
    found: set[str] = set()
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            name = _phrase(words[at : at + length], phrases)
            if name is not None:
                found.add(name)
                at += length
                break
        else:
            at += 1
    return found


def _phrase(words: Words, phrases: Mapping[Words, str]) -> str | None:
    return next(
        (
            phrases[form]
            for form in ((*words[:-1], w) for w in _singulars(words[-1]))
            if form in phrases
        ),
        None,
    )


def _singulars(word: str) -> Iterable[str]:
    yield word
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    if word.endswith("ies"):
        yield f"{word[:-3]}y"
    if word.endswith("es"):
        yield word[:-2]
    if word.endswith("s"):
        yield word[:-1]
