"""What a backend that only draws boxes does not load: each process would pay for it in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "shapely", "label_studio_ml", "label_studio_gemini.smart")
LOADED = """
import sys
import label_studio_gemini.server.app, label_studio_gemini.server.engine
import label_studio_gemini.gemini.{api}
print(*(name for name in {heavy} if name in sys.modules))
"""


@pytest.mark.parametrize("api", ["interactions", "generate_content"])
def test_an_idle_server_is_small(api: str) -> None:
    code = LOADED.format(api=api, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
