"""The endpoints at which the model answers, and the one that only counts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from label_studio_gemini.emulator import generate_content, interactions
from label_studio_gemini.emulator.answers import write_answer
from label_studio_gemini.emulator.api import Api
from label_studio_gemini.emulator.catalogue import check_model, check_safety, check_thinking
from label_studio_gemini.emulator.refusals import Refusal, not_found
from label_studio_gemini.emulator.reply import WORK_CODE, WORK_OUTPUT, Reply, Spent
from label_studio_gemini.emulator.responses import json_response
from label_studio_gemini.emulator.strict import read_json
from label_studio_gemini.emulator.tokens import text_tokens, thought_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import JsonValue
    from starlette.responses import Response

    from label_studio_gemini.emulator.ask import Ask
    from label_studio_gemini.emulator.faults import Fault
    from label_studio_gemini.emulator.sight import Sight
    from label_studio_gemini.emulator.state import Call, State


def generate(state: State, call: Call) -> Callable[[Fault], Response]:
    """Read a request for an answer; what is returned writes the answer with a fault in it.

    Raises:
        Refusal: If the real service would refuse it.
    """
    ask, sights, earlier = _read(state, call)
    return lambda fault: _answer(state, call.record.api, ask, (sights, earlier), fault)


def count(state: State, call: Call) -> Response:
    """Answer a countTokens request.

    Raises:
        Refusal: If the real service would refuse it.
    """
    ask, sights, earlier = _read(state, call)
    return json_response(generate_content.build_count(_spent(ask, (*sights, *earlier), None)))


def interaction(state: State, call: Call) -> Response:
    """Answer a request for an interaction that is kept: read it, cancel it or delete it.

    Raises:
        Refusal: If it is not kept.
    """
    kept = state.interactions.get(call.name)
    if kept is None:
        raise not_found(f"Interaction {call.name}")
    if call.request.method == "DELETE":
        del state.interactions[call.name]
        return json_response({})
    return json_response(kept)


def body_of(call: Call) -> JsonValue:
    """Return the JSON of a request, and record it.

    Raises:
        Refusal: If it is none.
    """
    try:
        call.record.body = read_json(call.raw)
    except ValueError as error:
        raise Refusal(f"Invalid JSON payload received. {error}") from error
    return call.record.body


def _read(state: State, call: Call) -> tuple[Ask, tuple[Sight, ...], tuple[Sight, ...]]:
    ask = _ask(state, call)
    call.record.model, call.record.prompt = ask.model, ask.prompt
    check_model(ask.model, call.version, state.settings.model_prefixes)
    check_thinking(ask)
    check_safety(ask)
    every = state.eye.look(ask.model, (*ask.earlier, *ask.pictures))
    earlier, sights = every[: len(ask.earlier)], every[len(ask.earlier) :]
    call.record.images = tuple(sight.data for sight in sights)
    call.record.photos = tuple(state.eye.photo(sight) for sight in sights)
    return ask, sights, earlier


def _ask(state: State, call: Call) -> Ask:
    body = body_of(call)
    if call.record.api is Api.INTERACTIONS:
        return interactions.read_ask(body, state.interactions)
    if call.record.api is Api.COUNT_TOKENS:
        return generate_content.read_count_ask(body, call.name)
    return generate_content.read_ask(body, call.name)


def _answer(
    state: State,
    api: Api,
    ask: Ask,
    seen: tuple[tuple[Sight, ...], tuple[Sight, ...]],
    fault: Fault,
) -> Response:
    sights, earlier = seen
    draft = write_answer(ask, state.eye.scene(sights), fault)
    reply = Reply(ask, draft, _spent(ask, (*sights, *earlier), draft.text), _identity(api))
    if api is Api.INTERACTIONS:
        body = interactions.build_reply(reply)
        if ask.store:
            state.keep(reply.identity, body)
        return json_response(body)
    return json_response(generate_content.build_reply(reply))


def _identity(api: Api) -> str:
    name = secrets.token_urlsafe(16)
    return f"v1_{name}" if api is Api.INTERACTIONS else name


def _spent(ask: Ask, sights: Sequence[Sight], text: str | None) -> Spent:
    return Spent(
        text=text_tokens(ask.prompt),
        pictures=sum(sight.tokens for sight in sights),
        output=text_tokens(text or ""),
        thoughts=thought_tokens(ask.thinking_level, ask.thinking_budget),
        tools=text_tokens(WORK_CODE + WORK_OUTPUT) if ask.code_execution else 0,
    )
