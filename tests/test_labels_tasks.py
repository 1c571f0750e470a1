"""A task's images are found where the editor finds them."""

from __future__ import annotations

import pytest

from label_studio_gemini.errors import TaskError
from label_studio_gemini.labels import ImageTag, PageAddress, read_image_addresses

DATA: dict[str, object] = {
    "photo": " /a.jpg ",
    "folder": "f",
    "name": "n",
    "list": ["/0.jpg", " /1.jpg "],
    "doc": {"pages": ["/p.jpg"], "cover": "/c.jpg", "parts": [{"url": "/u.jpg"}]},
    "a.b": "/dotted.jpg",
    "empty": [],
    "mixed": ["/0.jpg", None],
}


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("$photo", "/a.jpg"),
        ("https://host/$folder/$name.jpg", "https://host/f/n.jpg"),
        ("$list[1]", "/1.jpg"),
        ("$doc.cover", "/c.jpg"),
        ("$doc.parts[0].url", "/u.jpg"),
        ("$a.b", "/dotted.jpg"),
        ("/static/same.jpg", "/static/same.jpg"),
    ],
)
def test_an_address_is_taken_from_the_data(value: str, address: str) -> None:
    assert read_image_addresses(ImageTag("i", value), DATA) == (PageAddress(address),)


@pytest.mark.parametrize(
    ("value", "pages"),
    [
        ("$list", ["/0.jpg", "/1.jpg"]),
        (" $doc.pages ", ["/p.jpg"]),
        ("$photo", ["/a.jpg"]),  # as in the editor
    ],
)
def test_pages_are_numbered(value: str, pages: list[str]) -> None:
    found = read_image_addresses(ImageTag("i", value, pages=True), DATA)
    assert found == tuple(PageAddress(page, number) for number, page in enumerate(pages))


@pytest.mark.parametrize("data", [{}, {"photo": None}, {"photo": ""}, {"photo": ["a"]}])
def test_missing_data_names_the_key(data: dict[str, object]) -> None:
    with pytest.raises(TaskError, match=r"`data\.photo`"):
        read_image_addresses(ImageTag("i", "$photo"), data)


@pytest.mark.parametrize(
    "way", ["list[2]", "list[99999999999]", "list.1e3", "doc.none", "photo.x[0]", "photo[0]"]
)
def test_a_way_that_leads_nowhere_is_an_error(way: str) -> None:
    """The address itself, with what is left of the way at its end, is no image either."""
    with pytest.raises(TaskError, match=r"`data\."):
        read_image_addresses(ImageTag("i", f"${way}"), DATA)


@pytest.mark.parametrize("value", ["$empty", "$mixed", "$nothing", "$doc"])
def test_pages_that_are_none_are_an_error(value: str) -> None:
    with pytest.raises(TaskError, match=r"<Image name='i'>") as caught:
        read_image_addresses(ImageTag("i", value, pages=True), DATA)
    assert caught.value.hint
