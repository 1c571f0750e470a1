"""What a model does not take: read from its refusal, and left out of the next request.

Every optional part of a request has a name here (`thinking_level`, `temperature`, `schema.minItems`
…). A refusal (400) names what it is about in words of its own, which differ by API, by model and
by day; those matched here were met in public reports. A refusal about anything else is no lesson.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from label_studio_gemini.gemini.keywords import schema_keywords, schema_without
from label_studio_gemini.gemini.safety import SAFETY, setting_name, settings_refused
from label_studio_gemini.gemini.thinking import nearest_thinking
from label_studio_gemini.gemini.types import ThinkingLevel
from label_studio_gemini.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from label_studio_gemini.gemini.types import GeminiRequest, Options, RequestImage, Thinking

LEVEL = "thinking_level"
BUDGET = "thinking_budget"
SCHEMA = "schema"
SCHEMA_BESIDE_TOOLS = "schema beside code_execution"
IMAGE_RESOLUTION = "resolution of an image"

_T = TypeVar("_T")

_keywords = Memo(schema_keywords)

_BOUNDS = tuple(
    f"{SCHEMA}.{keyword}"
    for keyword in (
        *("minItems", "maxItems", "minimum", "maximum"),
        *("minLength", "maxLength", "pattern", "format"),
    )
)


@dataclass(frozen=True, slots=True)
class Refused:
    """What a model does not take.

    Attributes:
        names: Parts, whatever their value.
        values: Parts with a certain value.
        budgets: The least and the largest thinking budget that it takes, where it said so.
    """

    names: frozenset[str] = frozenset()
    values: frozenset[tuple[str, object]] = frozenset()
    budgets: tuple[int, int] | None = None

    def __or__(self, other: Refused) -> Refused:
        return Refused(
            self.names | other.names, self.values | other.values, other.budgets or self.budgets
        )

    def __str__(self) -> str:
        parts = [*sorted(self.names), *sorted(f"{name} {value}" for name, value in self.values)]
        if self.budgets is not None:
            least, most = self.budgets
            parts.append(f"a {BUDGET} outside {least} to {most}")
        return ", ".join(parts)

    def has(self, name: str, value: object) -> bool:
        """Return whether this part with this value is known to be refused."""
        return name in self.names or (name, value) in self.values


NOTHING = Refused()


class _Rule(NamedTuple):
    """Words of a refusal, and the parts that they are about: all of them that were sent."""

    words: re.Pattern[str]
    names: tuple[str, ...]


def _rule(words: str, *names: str) -> _Rule:
    return _Rule(re.compile(words, re.IGNORECASE), names)


# The first that fits, and is about something that was sent, is the one.
_RULES = (
    _rule(r"too many states|too complex", *_BOUNDS),
    _rule(r"too many states|too complex", SCHEMA),
    _rule(r"(?:tool|function).*mime.?type|mime.?type.*(?:tool|function)", SCHEMA_BESIDE_TOOLS),
    _rule(r"thinking.?level", LEVEL),
    _rule(r"\bbudget\b|thinking.?budget", BUDGET),
    _rule(r"thinking", LEVEL, BUDGET),
    _rule(r"\btemperature\b", "temperature"),
    _rule(r"\btop.?p\b", "top_p"),
    _rule(r"\bseed\b", "seed"),
    _rule(r"max.?output.?tokens", "max_output_tokens"),
    _rule(r"(?:parts|content|input)\[\d.*resolution|resolution.*\[\d", IMAGE_RESOLUTION),
    _rule(r"generation.?config.*resolution", "resolution"),
    _rule(r"media.?resolution|'resolution'", "resolution", IMAGE_RESOLUTION),
    _rule(r"service.?tier|\bflex\b", "tier"),
    _rule(r"safety.?setting|harm.?(?:category|block)", SAFETY),
)
_LAST_RULES = (
    _rule(r"schema|response.?format|response.?mime.?type|json mode", SCHEMA),
    _rule(r"code.?execution|\btools?\b", "code_execution"),
    _rule(r"(?:developer|system).?instruction", "system"),
)
_SAYS_NOTHING = re.compile(r"request contains an invalid argument", re.IGNORECASE)
_ABOUT_THE_SCHEMA = re.compile(r"schema|response.?format", re.IGNORECASE)
_AS_SUCH = re.compile(r"\bunknown\b|cannot find field|takes no", re.IGNORECASE)
_RANGE = re.compile(r"(?:between|from|range)\D*?(\d+)\D+(\d+)", re.IGNORECASE)
_LEVEL_WORDS = "|".join(ThinkingLevel)


def read_refusal(message: str, sent: GeminiRequest) -> Refused | None:
    """Return what a refusal is about, or None if that is nothing that could be left out.

    Args:
        message: What the service said.
        sent: What it refused.
    """
    parts = optional_parts(sent)
    for rule in (*_RULES, *_keyword_rules(message, parts), *_LAST_RULES):
        names = [name for name in rule.names if name in parts]
        if names and rule.words.search(message):
            return _refused(message, {name: parts[name] for name in names}, sent)
    return None


def guess_refusal(message: str, sent: GeminiRequest) -> Refused | None:
    """Return what may be meant by a refusal that says nothing at all, or None.

    Bounds in a schema are refused so, where they add up to too much:
    https://github.com/googleapis/python-genai/issues/2170
    """
    bounds = frozenset(_BOUNDS) & optional_parts(sent).keys()
    return Refused(names=bounds) if bounds and _SAYS_NOTHING.search(message) else None


def optional_parts(request: GeminiRequest) -> Mapping[str, object]:
    """Return all of a request that could be left out or asked for differently: name -> value."""
    options = request.options
    parts: dict[str, object | None] = {
        name: getattr(options, name)
        for name in (
            *("system", "temperature", "top_p", "seed"),
            *("max_output_tokens", "resolution", "tier"),
        )
    }
    if options.thinking is not None:
        parts[LEVEL if isinstance(options.thinking, ThinkingLevel) else BUDGET] = options.thinking
    parts[SAFETY] = options.safety or None
    parts |= {setting_name(category): threshold for category, threshold in options.safety}
    parts["code_execution"] = options.code_execution or None
    parts[IMAGE_RESOLUTION] = next((i.resolution for i in _images(request) if i.resolution), None)
    if request.schema is not None:
        parts[SCHEMA] = True
        parts[SCHEMA_BESIDE_TOOLS] = options.code_execution or None
        parts |= {f"{SCHEMA}.{keyword}": True for keyword in _keywords(request.schema)}
    return {name: value for name, value in parts.items() if value is not None}


def build_allowed(request: GeminiRequest, refused: Refused) -> GeminiRequest:
    """Return `request` as near as the model takes it.

    Thinking is replaced by the nearest that is taken, a system instruction goes ahead of the
    prompt; anything else that is refused is left out.
    """
    options, prompt = _allowed_options(request.options, refused), request.prompt
    if request.options.system is not None and options.system is None:
        prompt = f"{request.options.system}\n\n{prompt}"
    request = replace(
        request, options=options, prompt=prompt, schema=_allowed_schema(request, refused)
    )
    if not any(refused.has(IMAGE_RESOLUTION, image.resolution) for image in _images(request)):
        return request
    examples = tuple(
        replace(one, images=_allowed_images(one.images, refused)) for one in request.examples
    )
    return replace(request, images=_allowed_images(request.images, refused), examples=examples)


def _refused(message: str, parts: Mapping[str, object], sent: GeminiRequest) -> Refused:
    """Return `parts` as refused: with this value, if the message names it, or else altogether."""
    if SAFETY in parts:
        return Refused(*settings_refused(message, sent.options.safety))
    if BUDGET in parts and (limits := _RANGE.search(message)):
        value = frozenset({(BUDGET, parts[BUDGET])})
        return Refused(values=value, budgets=(int(limits[1]), int(limits[2])))
    values = {} if _AS_SUCH.search(message) else parts
    by_value = {(name, value) for name, value in values.items() if _names_value(message, value)}
    whole = parts.keys() - {name for name, _ in by_value}
    return Refused(names=frozenset(whole), values=frozenset(by_value))


def _names_value(message: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    text = f"{value:g}" if isinstance(value, float) else str(value)
    words = _LEVEL_WORDS if isinstance(value, ThinkingLevel) else re.escape(text)
    # An underscore may stand before it: THINKING_LEVEL_MINIMAL.
    named = rf"(?<![a-z\d.-])(?:{words})(?![a-z\d]|\.\d|-\w)"
    return re.search(named, message, re.IGNORECASE) is not None


def _keyword_rules(message: str, parts: Mapping[str, object]) -> Iterator[_Rule]:
    """Yield a rule for each keyword of the schema; plain words count only where it is spoken of."""
    about_the_schema = _ABOUT_THE_SCHEMA.search(message) is not None
    for name in parts:
        keyword = name.removeprefix(f"{SCHEMA}.")
        if keyword != name and (about_the_schema or not keyword.islower()):
            snake = re.sub(r"(?=[A-Z])", "_", keyword)
            yield _rule(rf"\b(?:{re.escape(keyword)}|{re.escape(snake)})\b", name)


def _images(request: GeminiRequest) -> Iterator[RequestImage]:
    yield from request.images
    for example in request.examples:
        yield from example.images


def _allowed_images(images: tuple[RequestImage, ...], refused: Refused) -> tuple[RequestImage, ...]:
    return tuple(
        replace(image, resolution=None)
        if refused.has(IMAGE_RESOLUTION, image.resolution)
        else image
        for image in images
    )


def _allowed_options(options: Options, refused: Refused) -> Options:
    def keep(name: str, value: _T | None) -> _T | None:
        return None if value is None or refused.has(name, value) else value

    return replace(
        options,
        system=keep("system", options.system),
        temperature=keep("temperature", options.temperature),
        top_p=keep("top_p", options.top_p),
        seed=keep("seed", options.seed),
        max_output_tokens=keep("max_output_tokens", options.max_output_tokens),
        thinking=_allowed_thinking(options.thinking, refused),
        resolution=keep("resolution", options.resolution),
        tier=keep("tier", options.tier),
        safety=_allowed_safety(options.safety, refused),
        code_execution=options.code_execution and "code_execution" not in refused.names,
    )


def _allowed_safety(
    settings: tuple[tuple[str, str], ...], refused: Refused
) -> tuple[tuple[str, str], ...]:
    if SAFETY in refused.names:
        return ()
    return tuple(
        (category, threshold)
        for category, threshold in settings
        if not refused.has(setting_name(category), threshold)
    )


def _allowed_thinking(wanted: Thinking | None, refused: Refused) -> Thinking | None:
    for thinking in () if wanted is None else nearest_thinking(wanted):
        if isinstance(thinking, ThinkingLevel):
            if not refused.has(LEVEL, thinking):
                return thinking
        elif not refused.has(BUDGET, thinking):
            return _within(thinking, refused.budgets)
    return None


def _within(budget: int, limits: tuple[int, int] | None) -> int:
    """Return the nearest budget within limits, of which 0 (off) and -1 (as you like) are free."""
    return budget if limits is None or budget <= 0 else min(max(budget, limits[0]), limits[1])


def _allowed_schema(request: GeminiRequest, refused: Refused) -> Mapping[str, object] | None:
    schema = request.schema
    tools = request.options.code_execution and "code_execution" not in refused.names
    if schema is None or SCHEMA in refused.names:
        return None
    if tools and SCHEMA_BESIDE_TOOLS in refused.names:
        return None
    prefix = f"{SCHEMA}."
    keywords = {name.removeprefix(prefix) for name in refused.names if name.startswith(prefix)}
    if not keywords or keywords.isdisjoint(_keywords(schema)):
        return schema
    return schema_without(schema, keywords)
