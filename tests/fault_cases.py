"""What goes wrong, and what exactly comes of it: how many answers, calls, and rows on record.

Each case is a batch of eight tasks. The first round meets the faults; then Gemini and Label Studio
are well again, and the same batch is retrieved once more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fault_kit import task_of, upload_path
from images_server import Answer, png, redirect
from label_studio_gemini.emulator import GARBAGE_TEXT, Breakage, Fault, Problem, Stop

if TYPE_CHECKING:
    from collections.abc import Mapping

TASKS = range(1, 9)


@dataclass(frozen=True)
class Round:
    """What comes of the batch.

    Attributes:
        results: A character for each task: how many regions it has, `.` for no prediction.
        requests: HTTP requests that Gemini got; each is a call on record.
        ledger: The rows that are on record for it, and how many of each.
        error: What each failed task is told (a regular expression).
        hint: What helps (likewise).
        fetches: HTTP requests that Label Studio got for images.
        restart: Whether the backend was started anew before.
    """

    results: str
    requests: int
    ledger: Mapping[str, int]
    error: str = ""
    hint: str = ""
    fetches: int = 8
    restart: bool = False


@dataclass(frozen=True)
class Case:
    """What goes wrong.

    Attributes:
        name: What it is.
        rounds: What comes of it, each time that the batch is retrieved.
        config: YAML, besides that of all cases.
        gemini: What Gemini does, in the first round.
        images: What Label Studio answers for the image of a task, in the first round.
        addresses: Where the image of a task is said to be, in all rounds.
        slow: Whether a quick case shows one of the same kind.
    """

    name: str
    rounds: tuple[Round, ...]
    config: str = ""
    gemini: tuple[Fault, ...] = ()
    images: Mapping[int, Answer] = field(default_factory=dict)
    addresses: Mapping[int, str] = field(default_factory=dict)
    slow: bool = False


BOTH = "33.33.33"
"""Two tasks failed; the other six have the three objects of the photo."""
WELL = "33333333"
AGAIN = Round(WELL, 2, {"hit ok": 6, "call ok": 2})
"""The two that failed are asked for, the other six cost nothing."""


def at(*tasks: int, times: int | None = None, **effects: Any) -> tuple[Fault, ...]:
    """Return a fault for requests about each of these tasks: for the first so many, or for all."""

    def one(task: int) -> Fault:
        fits = {"times": times, "where": lambda request: task_of(request) == task}
        return Fault.model_validate(effects | fits)

    return tuple(one(task) for task in tasks)


def failing(
    name: str,
    kind: str,
    error: str,
    hint: str,
    *,
    requests: int = 8,
    config: str = "attempts: 1",
    slow: bool = False,
    **effects: Any,
) -> Case:
    """Return a case of two calls that end in an error, and are made again the next time."""
    ledger = {"call ok": 6, f"call {kind}": requests - 6}
    rounds = (Round(BOTH, requests, ledger, error, hint), AGAIN)
    return Case(name, rounds, config, at(3, 6, **effects), slow=slow)


def passing(
    name: str, kind: str, error: str, hint: str, *, slow: bool = False, **effects: Any
) -> Case:
    """Return a case of what time can heal: at the second attempt for one task, never for another.

    The eleven requests are six, the one and its second attempt, and the three for the other.
    """
    error += r".* \(Given up after 3 attempts\.\)"
    rounds = (
        Round("33333.33", 6 + 2 + 3, {"call ok": 7, f"call {kind}": 1 + 3}, error, hint),
        Round(WELL, 1, {"hit ok": 7, "call ok": 1}),
    )
    gemini = (*at(3, times=1, **effects), *at(6, **effects))
    return Case(name, rounds, "attempts: 3", gemini, slow=slow)


def halting(
    name: str, kind: str, problem: Problem, error: str, hint: str, *, slow: bool = True
) -> Case:
    """Return a case of a refusal that holds for all that follow: they are not even sent.

    Nothing is, for a minute or more; a backend that was started anew tries.
    """
    first = {"call ok": 3, f"call {kind}": 1, f"refused {kind}": 4}
    second = {"hit ok": 3, f"refused {kind}": 5}
    rounds = (
        Round("333.....", 4, first, error, hint),
        Round("333.....", 0, second, error, hint),
        Round(WELL, 5, {"hit ok": 3, "call ok": 5}, restart=True),
    )
    return Case(name, rounds, "concurrency: 1", at(4, problem=problem), slow=slow)


def blocked(stop: Stop, kind: str, error: str, hint: str, *, slow: bool = True) -> Case:
    """Return a case of what would end the same way again, and cost as much: it is remembered."""
    again = error + r".* \(Remembered since .*; asked again from .* on\.\)"
    rounds = (
        Round(BOTH, 8, {"call ok": 6, f"call {kind}": 2}, error, hint),
        Round(BOTH, 0, {"hit ok": 6, f"hit {kind}": 2}, again, hint),
    )
    return Case(stop, rounds, gemini=at(3, 6, stop=stop), slow=slow)


def useless(name: str, text: str, error: str, hint: str, *, slow: bool = False) -> Case:
    """Return a case of a reply that nothing can be made of: the next time, another one is."""
    rounds = (
        Round(BOTH, 8, {"call ok": 8}, error, hint),
        Round(WELL, 2, {"hit ok": 8, "call ok": 2}),
    )
    return Case(name, rounds, gemini=at(3, 6, text=text), slow=slow)


def sparse(name: str, results: str, **effects: Any) -> Case:
    """Return a case of two predictions that have less in them, and are predictions."""
    rounds = (Round(results, 8, {"call ok": 8}), Round(results, 0, {"hit ok": 8}))
    return Case(name, rounds, gemini=at(3, 6, **effects))


def unseen(
    name: str,
    answer: Answer,
    error: str,
    hint: str,
    *,
    config: str = "",
    fetches: int = 8,
    slow: bool = True,
) -> Case:
    """Return a case of two images that cannot be had, and can the next time."""
    rounds = (Round(BOTH, 6, {"call ok": 6}, error, hint, fetches), AGAIN)
    return Case(name, rounds, config, images={3: answer, 6: answer}, slow=slow)


def elsewhere(name: str, address: str, error: str, hint: str, *, slow: bool = True) -> Case:
    """Return a case of two images that are where nothing is fetched from, ever."""
    rounds = (
        Round(BOTH, 6, {"call ok": 6}, error, hint, fetches=6),
        Round(BOTH, 0, {"hit ok": 6}, error, hint, fetches=6),
    )
    return Case(name, rounds, addresses={3: address, 6: address}, slow=slow)


KEY, SERVICE, NET = "AuthenticationError", "ServiceError", "TransportError"
IN_A_WHILE = "Try again in a while"
SECOND = "attempts: 1\ntimeout: 1.0"

GEMINI = [
    # One of the three requests for the two tasks leaves out what may have been refused.
    failing("400", "RequestError", "400: Request contains an invalid", "request has to change",
            requests=9, problem=Problem.BAD_REQUEST),
    halting("400, the key", KEY, Problem.BAD_KEY, "400: API key not valid", "GEMINI_API_KEY"),
    halting("401", KEY, Problem.UNAUTHENTICATED, "401: .* authentication", "GEMINI_API_KEY",
            slow=False),
    halting("403", KEY, Problem.FORBIDDEN, "403: .* permission", "Give the key the right"),
    failing("404", "ModelError", "No model `gemini-3-.*404: ", "gemini-api/docs/models",
            problem=Problem.NOT_FOUND),
    passing("408", SERVICE, "408: The request timed out", IN_A_WHILE, slow=True,
            problem=Problem.TIMEOUT),
    passing("429", "RateLimitError", "429: You exceeded", "send fewer requests",
            problem=Problem.RATE_LIMIT, retry_seconds=0),
    halting("429 until tomorrow", "QuotaError", Problem.QUOTA, "429: You exceeded", "midnight"),
    passing("500", SERVICE, "500: An internal error", IN_A_WHILE, slow=True,
            problem=Problem.INTERNAL),
    passing("503", SERVICE, "503: The model is overloaded", IN_A_WHILE,
            problem=Problem.OVERLOADED),
    failing("hang", NET, "No answer within 1 s", "Raise the time limit", config=SECOND,
            breakage=Breakage.HANG),
    failing("drip", NET, "No answer within 1 s", "Raise the time limit", config=SECOND, slow=True,
            breakage=Breakage.DRIP),
    passing("reset", NET, "The connection failed", "Look at the network", breakage=Breakage.RESET),
    passing("a body that is cut", NET, "The connection failed: .* complete message",
            "Look at the network", breakage=Breakage.CUT_BODY),
    passing("a page of a proxy", NET, "not what Gemini sends", "a proxy, a login page", slow=True,
            breakage=Breakage.NOT_JSON),
    passing("garbage", NET, "not what Gemini sends", "was cut short", breakage=Breakage.GARBAGE),
]  # fmt: skip

ANSWERS = [
    blocked(Stop.PROMPT_BLOCKED, "PromptBlockedError", "PROHIBITED_CONTENT", "blocked again",
            slow=False),
    blocked(Stop.SAFETY, "SafetyError", "SAFETY", "loosen the safety settings", slow=False),
    blocked(Stop.SAFETY_WITH_TEXT, "SafetyError", "SAFETY", "loosen the safety settings"),
    blocked(Stop.RECITATION, "RecitationError", "RECITATION", "Ask for labels and boxes"),
    blocked(Stop.OUT_OF_TOKENS, "OutOfTokensError", "incomplete|MAX_TOKENS", "max_output_tokens"),
    useless("garbage for text", GARBAGE_TEXT, "Nothing in Gemini's reply could", "try again"),
    useless("a refusal in words", "I cannot.", "holds no list .* 'I cannot", "Ask in the prompt",
            slow=True),
    sparse("nothing found", "33033033", text='{"boxes": []}'),
    sparse("cut in an item", "33133133", cut_items=1),
]  # fmt: skip

LARGE = "images: {max_megabytes: 0.2}"
PICTURE = png(2000, 2000)
OPEN = "not on the public internet"

IMAGES = [
    unseen("401", Answer(status=401), "refuses the legacy key", "personal access token",
           slow=False),
    unseen("the login page", redirect("/user/login/?next=/"), "refuses the legacy key",
           "personal access token"),
    unseen("403", Answer(status=403), "HTTP 403", "token of a member"),
    unseen("404", Answer(status=404), "HTTP 404", "the file is gone", slow=False),
    unseen("500", Answer(status=500), "HTTP 500", "try again later"),
    unseen("slow", Answer(drip=0.05), "not arrive within 1 s", "images: timeout", slow=False,
           config="images: {timeout: 1.0}"),
    unseen("huge", Answer(length=300_000), "larger than 200,000 bytes", "max_megabytes",
           config=LARGE),
    unseen("huge, not that it says so", Answer(bytes(300_000), drip=0.05),
           "larger than 200,000 bytes", "max_megabytes", config=LARGE, slow=False),
    unseen("broken off", Answer(PICTURE[:100], length=1000), "broke off after 100", "try again"),
    unseen("truncated", Answer(PICTURE[:-20]), "damaged.* it ends inside", "upload or export it",
           slow=False),
    unseen("a bomb", Answer(PICTURE), "2,000 x 2,000 .* decompression bomb", "max_megapixels",
           config="images: {max_megapixels: 1.0}", slow=False),
    unseen("no image", Answer(b"this is no photo"), "no image of a kind", "use one of PNG",
           slow=False),
    unseen("a web page", Answer(b"<!DOCTYPE html><html>"), "a web page", "image itself"),
    # Each of the two is asked for once, and the one that both lead to five times.
    unseen("a loop", redirect(upload_path(3)), "redirects more than 5 times", "in a circle",
           fetches=6 + 2 * (1 + 5), slow=False),
    unseen("to a private network", redirect("http://10.0.0.1/a.jpg"), OPEN, "allowed_hosts"),
    unseen("to a metadata service", redirect("http://169.254.169.254/latest"), OPEN,
           "allowed_hosts"),
    elsewhere("on a private network", "http://10.0.0.1/a.jpg", OPEN, "allowed_hosts", slow=False),
    elsewhere("on this machine", "http://127.0.0.1:9/a.jpg", OPEN, "allowed_hosts"),
    elsewhere("a file", "/etc/passwd", "no file that may be opened", "images: folders"),
]  # fmt: skip
