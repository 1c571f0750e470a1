"""How an address is shown: as far as it is no secret, and not at all where it may be none."""

from __future__ import annotations

import base64
import time

import pytest

from images_server import png
from label_studio_gemini.images.origins import shown

B64 = base64.b64encode(png()).decode()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("https://ann:secret@h/a.png?X-Amz-Signature=secret#x", "https://h/a.png"),
        ("//ann:secret@h/a.png", "//h/a.png"),
        ("/data/local-files/?d=dir/a%20b.png&token=secret", "/data/local-files/?d=dir/a b.png"),
        ("data:image/png;base64,secret", "data:image/png;base64,…"),
        (" DATA:image/png;base64,secret", "DATA:image/png;base64,…"),
        ("data:" + "x" * 500, "data:…"),
        ("data:a secret", "data:…"),
        ("https://h/" + "x" * 500, "https://h/" + "x" * 190 + "…"),
        ("https://h/a\x1b[31m", "https://h/a�[31m"),
        ("https://h/a%3FX-Signature=secret", "https://h/a"),
        ("https://h/a%253fX-Signature=secret", "https://h/a"),
        ("https://h/a%23secret", "https://h/a"),
        ("https://h/;sig=secret/a.png", "https://h/"),
        ("/data/local-files/?d=a.png%3Fsig=secret", "/data/local-files/?d=a.png"),
        ("https://ann%3Asecret%40h/a.png", "https://h/a.png"),
        ("https://proxy/https%3A%2F%2Fann:secret%40h/a.png", "https://proxy/https%3A%2F%2Fh/a.png"),
        ("file://ann:secret@h/a", "file://h/a"),
        ("http:ann:secret@h/a", "http:… (19 characters)"),
        ("blob:http://ann:secret@h/a", "blob:… (26 characters)"),
        ("http://ann:se/cret@h/a", "http://… (22 characters)"),
        ("ann:secret@h/a.png", "h/a.png"),
        (B64 * 40, f"iVBO… ({40 * len(B64):,} characters)"),
        ("/9j/" + B64 * 40, f"/9j/… ({40 * len(B64) + 4:,} characters)"),
        ("PATIENT John Doe, born 1970", "… (27 characters)"),
        ("https://h/" + "x" * 9000, "https://… (9,010 characters)"),
        ("https://münchen.example:80/a b.jpg", "https://münchen.example:80/a b.jpg"),
        ("photos/a b.png", "photos/a b.png"),
        ("/photos/a@b", "/photos/a@b"),
    ],
)
def test_how_an_address_is_shown(address: str, text: str) -> None:
    assert shown(address) == text


@pytest.mark.parametrize("piece", ["//", "%3b", ";", "%2f%2f", "@", "//a:", "%25"])
def test_what_is_made_to_be_slow_is_not(piece: str) -> None:
    """A request may hold 100 MB of it, and waits in the event loop."""
    begun = time.process_time()
    shown(piece * 100_000)
    shown("http://h/" + piece * 600)
    assert time.process_time() - begun < 0.5
