"""What was made of an object is remembered for that object, and for no other."""

from __future__ import annotations

import pytest

from label_studio_gemini.memo import Memo


@pytest.fixture
def made() -> list[tuple[dict[str, int], tuple[str, ...]]]:
    return []


@pytest.fixture
def memo(made: list[tuple[dict[str, int], tuple[str, ...]]]) -> Memo[dict[str, int], ..., str]:
    def make(subject: dict[str, int], *names: str, end: str = "") -> str:
        made.append((subject, names))
        return f"{subject} {names} {end}"

    return Memo(make, most=3)


def test_the_same_object_is_asked_once(
    memo: Memo[dict[str, int], ..., str], made: list[object]
) -> None:
    one = {"a": 1}
    assert memo(one) is memo(one)
    assert len(made) == 1


def test_an_equal_object_is_another_one(
    memo: Memo[dict[str, int], ..., str], made: list[object]
) -> None:
    assert memo({"a": 1}) == memo({"a": 1})
    assert len(made) == 2


def test_what_stands_beside_the_object_counts(memo: Memo[dict[str, int], ..., str]) -> None:
    one = {"a": 1}
    texts = {memo(one), memo(one, "b"), memo(one, "c"), memo(one, "b", end="."), memo(one, end=".")}
    assert len(texts) == 5


def test_an_object_that_is_no_more_is_not_mistaken_for_the_next(
    memo: Memo[dict[str, int], ..., str],
) -> None:
    """CPython gives its id to the next one at once."""
    for number in range(1_000):
        assert memo({"a": number}) == f"{ {'a': number} } () "


def test_what_is_asked_for_often_is_kept(
    memo: Memo[dict[str, int], ..., str], made: list[object]
) -> None:
    often = {"often": 1}
    for number in range(10):
        memo(often)
        memo({"a": number})
    assert len(made) == 11


def test_the_oldest_is_forgotten(memo: Memo[dict[str, int], ..., str], made: list[object]) -> None:
    several = [{"a": number} for number in range(4)]
    for one in (*several, *several[1:], several[0]):
        memo(one)
    assert len(made) == 5


def test_what_raises_is_not_remembered() -> None:
    def refuse(_: object) -> None:
        raise ValueError("no")

    memo = Memo(refuse)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            memo("")
