"""Which categories a request asks for, and by which name they are answered."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from label_studio_gemini.emulator.labels import names_for

CATEGORIES = ("person", "dog", "hot dog", "cell phone", "knife", "dining table", "bus", "puppy")
EVERYTHING = {name: name for name in CATEGORIES}


@dataclass(frozen=True)
class Case:
    name: str
    asked: tuple[str, ...] = ()
    prompt: str = ""
    names: tuple[tuple[str, str], ...] | None = None


CASES = [
    Case("nothing named", prompt="Detect all prominent items"),
    Case("exact", asked=("dog",), names=(("dog", "dog"),)),
    Case("case and hyphens", asked=("Cell-Phone",), names=(("cell phone", "Cell-Phone"),)),
    Case("a phrase", asked=("person walking",), names=(("person", "person walking"),)),
    Case(
        "exact beats a phrase",
        asked=("person walking", "Person"),
        names=(("person", "Person"),),
    ),
    Case("the first phrase", asked=("a dog", "my dog"), names=(("dog", "a dog"),)),
    Case("a longer name", asked=("hot dogs",), names=(("hot dog", "hot dogs"),)),
    Case(
        "plurals", asked=("people", "puppies"), names=(("person", "people"), ("puppy", "puppies"))
    ),
    Case("no part of a word", asked=("dogma",), names=()),
    Case("no part of a name", asked=("table",), names=()),
    Case("labels beat the prompt", asked=("dog",), prompt="person", names=(("dog", "dog"),)),
    Case(
        "in the prompt",
        prompt="Find the knives, and every cell phone.",
        names=(("cell phone", "cell phone"), ("knife", "knife")),
    ),
    Case("in the prompt, the longer", prompt="hot dog", names=(("hot dog", "hot dog"),)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_categories_are_answered_by_the_names_asked_for(case: Case) -> None:
    expected = EVERYTHING if case.names is None else dict(case.names)
    assert names_for(CATEGORIES, asked=case.asked, prompt=case.prompt) == expected
