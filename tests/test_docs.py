"""The README is true: its lists are those of the code, and what it shows works."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from label_studio_gemini.config import read_config
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.recipes import build_recipes
from services import SCRIPTS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_lists_are_made_of_the_code() -> None:
    ended = subprocess.run(
        [SCRIPTS / "cog", "--check", "--diff", "-I", "tests", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"run `cog -r -I tests README.md`\n{ended.stdout}"


def test_the_yaml_is_valid_and_fits_a_project(tmp_path: Path) -> None:
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(yaml.splitlines()) <= 12
    (tmp_path / "street.yaml").write_text(yaml)
    project = read_label_config(
        '<View><Image name="i" value="$i"/><RectangleLabels name="box" toName="i">'
        '<Label value="Car"/><Label value="Pedestrian"/><Label value="Other"/>'
        "</RectangleLabels></View>"
    )
    ((recipe,), _) = build_recipes(read_config(tmp_path / "street.yaml"), project)
    assert [wanted.name for wanted in recipe.wanted] == ["car", "person walking"]


def test_links_lead_to_files_that_are_there() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_two_commands_come_first() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert blocks[0] == "pip install . && label-studio-gemini demo\n"
    assert blocks[1] == "pip install -e '.[test]' && pytest\n"
