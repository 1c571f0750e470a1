"""The emulator as a server: many at once, started and stopped cleanly, and what it remembers."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from emulator_kit import (
    KEY,
    MODEL,
    delete,
    generate,
    generate_body,
    generated_text,
    get,
    interaction_body,
    picture_file,
    post,
    write_key,
)
from label_studio_gemini.emulator import (
    Breakage,
    EmulatorError,
    EmulatorSettings,
    Fault,
    RunningEmulator,
    build_emulator,
    read_answer_key,
    run_emulator,
)
from label_studio_gemini.emulator import server as server_module
from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import AnswerKey, Emulator

PARK = picture_file(1)


@pytest.fixture
def key(tmp_path: Path) -> AnswerKey:
    return read_answer_key(*write_key(tmp_path))


@pytest.fixture
def gemini(key: AnswerKey) -> Iterator[RunningEmulator]:
    with run_emulator(key) as running:
        yield running


async def send_many(gemini: RunningEmulator, number: int) -> float:
    """Send so many requests at once, each with an image of its own, and return the seconds."""
    bodies = [interaction_body(PARK + bytes([i])) for i in range(number)]
    limits = httpx2.Limits(max_connections=number, max_keepalive_connections=number)
    async with httpx2.AsyncClient(verify=NOBODY, limits=limits, timeout=60, headers=KEY) as client:
        start = time.monotonic()
        url = f"{gemini.url}/v1/interactions"
        responses = await asyncio.gather(*(client.post(url, json=body) for body in bodies))
        seconds = time.monotonic() - start
    assert {response.status_code for response in responses} == {200}
    assert all(response.json()["steps"][-1]["content"] for response in responses)
    return seconds


async def test_delays_of_parallel_requests_run_side_by_side(
    gemini: RunningEmulator, measured: Callable[[str], None]
) -> None:
    gemini.script(Fault(delay=1.0, times=None))
    seconds = await send_many(gemini, 32)
    measured(f"emulator: 32 requests of 1.0 s each took {seconds:.2f} s")
    assert seconds < 4


@pytest.mark.parametrize("number", [64, pytest.param(256, marks=pytest.mark.slow)])
async def test_many_requests_at_once(
    number: int, gemini: RunningEmulator, measured: Callable[[str], None]
) -> None:
    gemini.script(Fault(delay=0.5, times=None))
    seconds = await send_many(gemini, number)
    measured(f"emulator: {number} requests of 0.5 s each took {seconds:.2f} s")
    assert len(gemini.requests) == number
    assert len({record.images for record in gemini.requests}) == number


def test_each_emulator_has_a_port_of_its_own(key: AnswerKey) -> None:
    with run_emulator(key) as one, run_emulator(key) as other:
        assert one.url != other.url
        generate(one.url, generate_body(PARK))
        assert (len(one.requests), len(other.requests)) == (1, 0)


def test_nothing_is_left_when_it_has_stopped(key: AnswerKey) -> None:
    before = threading.active_count()
    with run_emulator(key) as running, httpx2.Client(verify=NOBODY, base_url=running.url) as client:
        client.get("/emulator/health")
    assert threading.active_count() == before
    with pytest.raises(httpx2.ConnectError):
        get(f"{running.url}/emulator/health")


@pytest.mark.parametrize("fault", [Fault(breakage=Breakage.HANG), Fault(delay=600)])
def test_it_stops_though_a_request_waits(fault: Fault, key: AnswerKey) -> None:
    failures: list[Exception] = []

    def send(url: str) -> None:
        try:
            generate(url, generate_body(PARK)).raise_for_status()
        except httpx2.HTTPError as error:
            failures.append(error)

    with run_emulator(key) as running:
        running.script(fault)
        sender = threading.Thread(target=send, args=(running.url,))
        sender.start()
        deadline = time.monotonic() + 10
        while not (running.requests and running.requests[0].photos):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        start = time.monotonic()
    sender.join(10)
    assert time.monotonic() - start < 4
    assert failures


def test_a_client_that_gives_up_is_noticed(gemini: RunningEmulator) -> None:
    gemini.script(Fault(delay=600))
    with pytest.raises(httpx2.ReadTimeout), httpx2.Client(verify=NOBODY, timeout=0.2) as client:
        client.post(
            f"{gemini.url}/v1/models/{MODEL}:generateContent",
            json=generate_body(PARK),
            headers=KEY,
        )
    deadline = time.monotonic() + 10
    while gemini.requests[0].finished is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert gemini.requests[0].status is None


def test_a_port_in_use_is_told(key: AnswerKey) -> None:
    with run_emulator(key) as running:
        port = int(running.url.rsplit(":", 1)[1])
        with (
            pytest.raises(EmulatorError, match=rf"127\.0\.0\.1:{port}.*--port"),
            run_emulator(key, port=port),
        ):
            pass


def test_a_number_that_is_no_port_is_told(key: AnswerKey) -> None:
    with pytest.raises(EmulatorError, match="70000 is no port"), run_emulator(key, port=70_000):
        pass


def test_ipv6(key: AnswerKey) -> None:
    with run_emulator(key, host="::1") as running:
        assert running.url.startswith("http://[::1]:")
        assert get(f"{running.url}/emulator/health").json() == {"status": "UP"}


def test_only_the_last_requests_are_kept(key: AnswerKey) -> None:
    with run_emulator(key, EmulatorSettings(keep_requests=2)) as running:
        for _ in range(4):
            generate(running.url, generate_body(PARK))
        assert [record.number for record in running.requests] == [3, 4]


def test_only_so_many_bytes_are_kept(key: AnswerKey) -> None:
    with run_emulator(key, EmulatorSettings(keep_bytes=1)) as running:
        for _ in range(3):
            generate(running.url, generate_body(PARK))
        assert [record.number for record in running.requests] == [3]


def test_requests_are_summed_up_by_http(gemini: RunningEmulator) -> None:
    generate(gemini.url, generate_body(PARK, prompt="Find dogs"))
    url = f"{gemini.url}/emulator/requests"
    response = get(url)
    (summary,) = response.json()["requests"]
    assert summary["photos"] == ["park.png"]
    assert summary["images"] == [len(PARK)]
    assert (summary["prompt"], summary["status"]) == ("Find dogs", 200)
    assert summary["seconds"] > 0
    assert KEY["x-goog-api-key"] not in summary.values()
    delete(url)
    assert gemini.requests == ()


def test_headers_and_query_are_recorded(gemini: RunningEmulator) -> None:
    post(f"{gemini.url}/v1/interactions?a=b", json={"model": 5}, headers={**KEY, "X-Other": "1"})
    (record,) = gemini.requests
    assert record.headers["x-other"] == "1"
    assert (record.method, record.path, record.query) == ("POST", "/v1/interactions", {"a": "b"})
    assert record.body == {"model": 5}
    assert record.status == 400


def test_serving_ends_when_it_is_told(key: AnswerKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocking form, as the command uses it; told to stop as a signal would tell it."""
    servers: list[server_module._Server] = []
    original = server_module._Server.__init__

    def remember(self: server_module._Server, emulator: Emulator) -> None:
        original(self, emulator)
        servers.append(self)

    monkeypatch.setattr(server_module._Server, "__init__", remember)
    thread = threading.Thread(
        target=server_module.serve_emulator, args=(key,), kwargs={"port": 0}, daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 10
    while not (servers and servers[0].ready.is_set()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    servers[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()


async def test_the_app_answers_without_a_port(key: AnswerKey) -> None:
    transport = httpx2.ASGITransport(build_emulator(key).app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://emulator") as client:
        url = f"/v1/models/{MODEL}:generateContent"
        response = await client.post(url, json=generate_body(PARK), headers=KEY)
    assert generated_text(response).count("box_2d") == 2


def test_memory_is_bounded(gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pictures that were seen nor interactions that are kept grow without end."""
    monkeypatch.setattr("label_studio_gemini.emulator.state._KEPT_INTERACTIONS", 2)
    monkeypatch.setattr("label_studio_gemini.emulator.sight._REMEMBERED", 2)
    for end in range(4):
        post(f"{gemini.url}/v1/interactions", json=interaction_body(PARK + bytes([end])))
    state = gemini.emulator._state
    assert len(state.interactions) == 2
    assert len(state.eye._seen) == 2
