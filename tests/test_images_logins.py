"""The logins of /setup: kept, found again, and told apart from the configured one."""

from __future__ import annotations

import json
import logging
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from label_studio_gemini.images import LabelStudioLogin, LoginStore, choose_login
from label_studio_gemini.images.logins import _warn_of_token_without_url

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = LabelStudioLogin("http://ls.example:8080", "key")
PROJECT = "1.1795312593"


def test_a_login_survives_a_restart_and_serves_every_process(tmp_path: Path) -> None:
    LoginStore(tmp_path / "logins").save(PROJECT, LOGIN)
    other = LoginStore(tmp_path / "logins")
    assert other.load(PROJECT) == LOGIN
    assert other.load("2.1") is None


def test_a_store_is_made_without_touching_the_disk(tmp_path: Path) -> None:
    assert LoginStore(tmp_path / "none").load(PROJECT) is None
    assert not (tmp_path / "none").exists()


def test_another_process_s_newer_login_counts(tmp_path: Path) -> None:
    ours, theirs = LoginStore(tmp_path), LoginStore(tmp_path)
    ours.save(PROJECT, LOGIN)
    newer = LabelStudioLogin("https://ls.example", None)
    theirs.save(PROJECT, newer)
    assert ours.load(PROJECT) == newer


def test_a_login_that_was_read_before_is_not_one_that_was_replaced_or_deleted(
    tmp_path: Path,
) -> None:
    ours, theirs = LoginStore(tmp_path), LoginStore(tmp_path)
    ours.save(PROJECT, LOGIN)
    assert ours.load(PROJECT) == ours.load(PROJECT) == LOGIN
    newer = LabelStudioLogin(LOGIN.url, "yek")  # as long as the old one
    theirs.save(PROJECT, newer)
    assert ours.load(PROJECT) == newer
    (file,) = tmp_path.iterdir()
    file.unlink()
    assert ours.load(PROJECT) is None


def test_only_this_user_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "logins"
    LoginStore(folder).save(PROJECT, LOGIN)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"url": LOGIN.url, "token": LOGIN.token}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text() | st.sampled_from(["../../etc/passwd", "/abs", "a\0b", "x" * 5000, "", "CON"]))
def test_a_project_s_name_may_be_anything(tmp_path: Path, project: str) -> None:
    folder = tmp_path / "logins"
    store = LoginStore(folder)
    store.save(project, LOGIN)
    assert store.load(project) == LOGIN
    assert [path.name for path in tmp_path.iterdir()] == ["logins"]


def test_the_same_login_is_written_once(tmp_path: Path) -> None:
    store = LoginStore(tmp_path)
    store.save(PROJECT, LOGIN)
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns, file.stat().st_ino
    store.save(PROJECT, LOGIN)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


DAMAGED = [b"", b"{", b"[]", b"\xff", b'{"url":"http://h"}', b'{"url":1,"token":"key"}',
           b'{"url":"ftp://h","token":"key"}', b'{"url":"http://h","token":"a b"}']  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_no_login_and_is_replaced_by_the_next(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = LoginStore(tmp_path)
    store.save(PROJECT, LOGIN)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert store.load(PROJECT) is None
    assert "cannot be read" in caplog.text
    assert "key" not in caplog.text
    store.save(PROJECT, LOGIN)
    assert store.load(PROJECT) == LOGIN


@pytest.mark.parametrize("url", ["", "ftp://h", "ls.example", "http://"])
def test_an_address_that_is_none_is_not_kept(
    tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = LoginStore(tmp_path)
    store.save(PROJECT, LabelStudioLogin(url, "key"))
    assert store.load(PROJECT) is None
    assert "is not kept" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_only_the_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = LoginStore(tmp_path / "file" / "logins")
    store.save(PROJECT, LOGIN)
    assert store.load(PROJECT) == LOGIN
    assert "in memory only" in caplog.text
    newer = LabelStudioLogin("http://new.example", "key")
    store.save(PROJECT, newer)
    assert store.load(PROJECT) == newer


def test_no_half_written_file_stays_behind(tmp_path: Path) -> None:
    LoginStore(tmp_path).save(PROJECT, LOGIN)
    (file,) = tmp_path.iterdir()
    file.unlink()
    file.mkdir()  # so that the last step, putting the new file in its place, fails
    store = LoginStore(tmp_path)
    store.save(PROJECT, LOGIN)
    assert store.load(PROJECT) == LOGIN
    assert list(tmp_path.iterdir()) == [file]


# -- which login -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    why: str
    url: str | None
    token: str | None
    remembered: LabelStudioLogin | None
    chosen: LabelStudioLogin | None


CASES = [
    Case("nothing is known", None, None, None, None),
    Case("only a /setup", None, None, LOGIN, LOGIN),
    Case("only the environment", LOGIN.url, "mine", None, LabelStudioLogin(LOGIN.url, "mine")),
    Case("the environment first", "http://h", "mine", LOGIN, LabelStudioLogin("http://h", "mine")),
    Case(
        "a /setup's token for the configured host",
        "http://LS.example:8080/sub", None, LOGIN,
        LabelStudioLogin("http://LS.example:8080/sub", "key"),
    ),
    Case("not for another host", "http://h:8080", None, LOGIN, LabelStudioLogin("http://h:8080")),
    Case(
        "nor another port",
        "http://ls.example", None, LOGIN, LabelStudioLogin("http://ls.example"),
    ),
    Case(
        "nor another scheme",
        "https://ls.example:8080", None, LOGIN, LabelStudioLogin("https://ls.example:8080"),
    ),
    Case("the environment's token is not for a /setup's host", None, "mine", LOGIN, LOGIN),
    Case("nor for none", None, "mine", None, None),
    Case("empty is not set", "", "", LOGIN, LOGIN),
    Case("an address that is none", "nonsense", None, LOGIN, LabelStudioLogin("nonsense")),
    Case(
        "a remembered address that is none",
        "http://h", None, LabelStudioLogin("nonsense", "key"), LabelStudioLogin("http://h"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_token_stays_with_its_host(case: Case) -> None:
    assert choose_login(case.url, case.token, case.remembered) == case.chosen


def test_a_token_without_an_address_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_token_without_url.cache_clear()
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        choose_login(None, "very-secret", LOGIN)
    assert caplog.text.count("LABEL_STUDIO_URL too") == 1
    assert "very-secret" not in caplog.text
