"""Look for a reply that breaks `read_reply`, guided by the code that each try reaches.

    pip install -e ".[fuzz]"
    python tests/fuzz/replies.py -max_total_time=300

Takes libFuzzer's options. It starts from the replies of `replies_cases.py` and `replies_twenty.py`,
and stops at the first text that raises anything but a `ReplyError`, takes 10 seconds, or gives what
no reading may hold; the text is left in a file `crash-…`, and
`python tests/fuzz/replies.py crash-…` tries it again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["label_studio_gemini"]):
    from label_studio_gemini.errors import ReplyError
    from label_studio_gemini.replies import read_reply

from replies_cases import CASES
from replies_checks import check_reading
from replies_twenty import TWENTY

_WORDS = (
    *("box_2d", "bbox", "label", "mask", "point", "points", "answers", "image", "polygon", "boxes"),
    *("image_answers", "relations", "from", "to", "id", "object", "coordinates", "page", "image 1"),
    *("(", ")", "\u201c", "\u201d", "\u2018", "\u2019"),
    *(
        "true",
        "false",
        "null",
        "None",
        "NaN",
        "1e999",
        "```json",
        "[[",
        "]]",
        "{}",
        "},{",
        "\\u0022",
    ),
    *(
        "data:image/png;base64,",
        "iVBORw0KGgo",
        "<start_of_mask>",
        "<seg_1>",
        "[1,2,3,4]",
        "//",
        "/*",
    ),
)


def _quoted(word: str) -> str:
    """Write a word as libFuzzer's dictionaries have it: byte by byte."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"'


def try_one(data: bytes) -> None:
    try:
        reading = read_reply(
            data.decode("utf-8", "surrogatepass" if data[:1] == b"\0" else "replace")
        )
    except UnicodeDecodeError:
        return
    except ReplyError:
        return
    check_reading(reading)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        texts = [*(case.text for case in CASES), *TWENTY.values()]
        for number, text in enumerate(texts):
            (corpus / str(number)).write_text(text, "utf-8")
        words = Path(folder, "words")
        words.write_text("".join(f"{_quoted(word)}\n" for word in _WORDS), "utf-8")
        tried_again = any(Path(argument).is_file() for argument in sys.argv[1:])
        places = [] if tried_again else [str(corpus)]
        options = ["-timeout=10", "-max_len=20000", f"-dict={words}", *sys.argv[1:], *places]
        atheris.Setup([sys.argv[0], *options], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
