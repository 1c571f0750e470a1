"""What `label-studio-ml start ./backend` runs: the same server as `label-studio-gemini serve`."""

from __future__ import annotations

import sys

from label_studio_gemini.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
