"""Text → the JSON that it holds, however it is written: nothing here knows what a box is.

A model's reply is JSON wrapped in prose and fences, in a sloppy dialect, and may end anywhere.
So this never refuses and never repairs: one pass, without a step back, gives the lists and objects
that it met, and each knows whether it is whole. What is done with one that is not is the caller's
decision. A scalar keeps its text: whether `40` is a number is the caller's decision too.

Measured before it was written, on 25 sloppy and cut texts: json-repair 0.64 and jiter 0.19 both
read `[1,2,3,4]` out of a text that was cut within `40`; json-repair closes cut labels, keeps only
one of several objects and is quadratic (100 KB of `{`: over 8 s; of `[`: RecursionError); jiter
refuses fences, prose, single quotes, comments, trailing commas and bad escapes.

Time is linear: every quantifier is possessive, what looks ahead past a token is bounded, and
`MAX_TOKENS` and `MAX_DEPTH` lie above what a model can write.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.replies.nodes import Bare, JsonList, JsonObject, Node

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TOKENS = 50_000
"""Brackets, keys and scalars that are read; the text counts as cut behind them.

No Gemini model writes more than 65,536 tokens. An object with box and label is 11 of ours and more
than 20 of its own, a point of a polygon 4 and 9, a number or `true` in a list 1 and 2: the fullest
reply has under 40,000.
"""

MAX_DEPTH = 64
"""How deep brackets may nest; deeper ones are noise. A mask polygon in a wrapper needs 6."""

# A string ends at a quote; one that is cut, before a line that begins like JSON or like a fence, so
# that a forgotten quote costs its line and not the rest of the reply.
_BODY = r"""[^"\\\n]*+ (?: (?: \\. | \n\s*+(?![\[\]{}",`]) ) [^"\\\n]*+ )*+"""
# A quote with a word behind it (`a 17" screen`) belongs to the string, if the string's own end
# comes soon: bounded, so that looking for it in vain costs nothing.
_CLOSING = r"""" (?! " | [ \t]*+[^\s,:\[\]{}"'/\#`\\])"""
_INNER = rf"""(?: (?: (?!{_CLOSING})" [^"\\\[\]{{}}\n,:`]{{0,80}}+ ){{1,6}}+ (?={_CLOSING}) )?+"""
# In single quotes an apostrophe is no end, and a quote without an end is noise: bounded likewise.
_SINGLE_CLOSING = r"""' (?=\s*+(?:[,:\]}]|\Z))"""
_SINGLE = rf"""[^'\\\n`]*+ (?: (?: \\. | (?!{_SINGLE_CLOSING})' ) [^'\\\n`]*+ ){{0,20}}+"""
# Typographic quotes open and close a string like straight ones; one of another kind is within it.
_CURLY, _CURLY_SINGLE = (
    rf"""[^{quotes}\\\n`]*+ (?: (?: \\. | (?! [{quotes}] \s*+ (?: [,:\]}})] | \Z ) ) [{quotes}] )
    [^{quotes}\\\n`]*+ ){{0,8}}+"""
    for quotes in ('"\u201c-\u201f', "'\u2018-\u201b")
)
# What a forgotten closing quote swallows: the next item as far as its first key.
_SWALLOWED = re.compile(r"""\}[\s\]}]*+,?+\s*+\{\s*+["'\u2018-\u201f]?+\w++\Z""")
_MAX_KEY = 50  # characters
_MAX_BETWEEN = 20  # characters, from the end of one item to the brace of the next
_SPACE = r"""\s*+ (?: \\[nrt] \s*+ )*+"""
# A drawn mask, or one in tokens, ends where its own characters do: a quote that it lacks at either
# end (github.com/google-gemini/cookbook/issues/798) costs nothing else.
_BLOB = r"""
    (?: (?: data:image/[\w.+-]{1,20}+;base64, | iVBORw0KGgo )
        (?: [A-Za-z0-9+/=_\s-]++ | \\(?: [nrt/] | u[0-9a-fA-F]{4} ) )*+
      | <start_of_mask>(?: <\w{1,20}+> )*+ )
    (?= [ \t]*+ ["',}\]] | \Z )"""
# A double quote soon before a single-quoted key opens no string: it is a slip, and costs its item.
# So does a string that a single quote closes, if such a key comes next.
_STRAY = r"""" (?: [^"'\n]{0,80}+' (?= [\s,{}\[\]]{0,9}+ '\w{1,20}+'\s{0,3}+: )
      | (?! [\s\[]*+[{`]) (?= [^"'\n]{0,80}+ (?: '[^"'\n]{0,80}+'[^"'\n]{0,20}+ )?
            '\w{1,20}+'\s{0,3}+: ) )"""

_START = re.compile(r"\[|\{|```")
_TOKEN = re.compile(
    rf"""
    {_SPACE} (?: (?P<comma> , ) {_SPACE} )?+
    (?: (?P<open_list> [\[(] )
      | (?P<close_list> \] )
      | (?P<close_tuple> \) )
      | (?P<open_object> \{{ )
      | (?P<close_object> \}} )
      | "?+ (?P<blob> {_BLOB} ) ["']?+
      | (?P<stray> {_STRAY} )
      | (?: "(?P<double> {_BODY}{_INNER} )"
          | '(?P<single> {_SINGLE} )'
          | [\u201c-\u201f](?P<curly> {_CURLY} )["\u201c-\u201f]
          | [\u2018-\u201b](?P<curly_single> {_CURLY_SINGLE} )['\u2018-\u201b]
          | (?P<literal> (?: [-+]?[0-9.][0-9.eE+-]*+ | true | false | null | True | False | None )
                         (?=[\s,:\[\](){{}}"'/\#`]|\Z) )
          | (?P<bare> "{_BODY} | [^\s"'`\[\]{{}},:/\#\\][^\[\]{{}},:\n`]*+ )
        ) (?P<key> \s*+ : )?+
      | (?P<fence> `{{3,}}+ )
      | (?P<comment> (?<![:\w])//[^\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?+ | \#[ \t][^\n]*+ )
      | (?P<noise> . )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_OTHER_KEYS = ("single", "literal", "bare", "curly", "curly_single")


@dataclass(frozen=True, slots=True)
class Scan:
    """The outermost lists and objects of a text.

    Attributes:
        fenced: Those that stand within a code fence, in order.
        plain: Those that stand in the open, in order.
        tokens: How many tokens were read.
        exhausted: Whether the text goes on behind the last token that may be read.
    """

    fenced: tuple[Node, ...]
    plain: tuple[Node, ...]
    tokens: int
    exhausted: bool


def scan(text: str, max_tokens: int = MAX_TOKENS) -> Scan:
    """Find the lists and objects in any `text`, in linear time; this never fails."""
    builder = _Builder(text)
    stack, takers = builder.stack, builder.takers
    position = 0
    token = _TOKEN.match
    for tokens in range(max_tokens):
        if not stack:
            start = _START.search(text, position)
            position = len(text) if start is None else start.start()
        match = token(text, position)
        if match is None:
            return builder.finished(tokens, exhausted=False)
        back = takers[match.lastgroup or ""](match)
        position = match.end() if back is None else back
    return builder.finished(max_tokens, exhausted=True)


class _Builder:
    """The lists and objects that were met in a text, and the stack of those that are open.

    Attributes:
        stack: The open ones. Where there are none, only what `_START` finds may be taken in.
        takers: For each named group of `_TOKEN`, what takes its match in; and where to read on, if
            that is not behind it.
    """

    def __init__(self, source: str) -> None:
        self.stack: list[Node] = []
        self.takers: dict[str, Callable[[re.Match[str]], int | None]] = {
            "open_list": self._open_list,
            "open_object": self._open_object,
            "close_list": self._close_list,
            "close_object": self._close_object,
            "close_tuple": self._close_tuple,
            "double": self._add_quoted,
            "single": self._add_quoted,
            "curly": self._add_quoted,
            "curly_single": self._add_quoted,
            "literal": self._add_bare,
            "bare": self._add_bare,
            "key": self._add_key,
            "blob": self._add_blob,
            "stray": self._add_noise,
            "fence": self._pass_fence,
            "comment": self._pass_comment,
            "noise": self._add_noise,
        }
        self._source = source
        self._open_objects = 0
        self._open_tuples = 0
        self._in_fence = False
        self._fenced: list[Node] = []
        self._plain: list[Node] = []

    def finished(self, tokens: int, *, exhausted: bool) -> Scan:
        """Return what was met; what is still open stays without an end."""
        return Scan(tuple(self._fenced), tuple(self._plain), tokens, exhausted)

    def _open_list(self, match: re.Match[str]) -> None:
        opened = self._push(JsonList(self._source, match.start("open_list")))
        if opened and match["open_list"] == "(":
            self._open_tuples += 1

    def _open_object(self, match: re.Match[str]) -> None:
        start = match.start("open_object")
        while self.stack and not self.stack[-1].awaits_value:
            self._break_off(start)  # no object can follow here: a closing brace was forgotten
        if self._push(JsonObject(self._source, start)):
            self._open_objects += 1

    def _push(self, node: Node) -> bool:
        if len(self.stack) >= MAX_DEPTH:
            self.stack[-1].whole = False
            return False
        if self.stack:
            self.stack[-1].add(node)
        else:
            (self._fenced if self._in_fence else self._plain).append(node)
        self.stack.append(node)
        return True

    def _close_list(self, match: re.Match[str]) -> None:
        self._close("[", len(self.stack) - self._open_objects - self._open_tuples, match)

    def _close_object(self, match: re.Match[str]) -> None:
        self._close("{", self._open_objects, match)

    def _close_tuple(self, match: re.Match[str]) -> None:
        if self._source[self.stack[-1].start] == "(":
            self._pop(match.end())
        else:
            self.stack[-1].add_noise(")")

    def _close(self, bracket: str, open_of_kind: int, match: re.Match[str]) -> None:
        """Close the innermost node of a kind; what is open within it lacks its own bracket."""
        if not open_of_kind:
            self.stack[-1].whole = False
            return
        while self._source[self.stack[-1].start] != bracket:
            self._break_off(match.start())
        self._pop(match.end())

    def _break_off(self, end: int) -> None:
        self.stack[-1].whole = False
        self._pop(end)

    def _pop(self, end: int) -> None:
        node = self.stack.pop()
        node.finish(end)
        if isinstance(node, JsonObject):
            self._open_objects -= 1
            return
        self._open_tuples -= self._source[node.start] == "("
        if self.stack and isinstance(around := self.stack[-1], JsonList):
            around.holds_quoted = around.holds_quoted or node.holds_quoted

    def _add_quoted(self, match: re.Match[str]) -> None:
        self.stack[-1].add(match[match.lastindex or 0])

    def _add_bare(self, match: re.Match[str]) -> None:
        self.stack[-1].add(Bare(match[match.lastindex or 0].rstrip()))

    def _add_key(self, match: re.Match[str]) -> int | None:
        kind = "double"
        if match[kind] is None:
            kind = next(name for name in _OTHER_KEYS if match[name] is not None)
        key = match[kind]
        swallowed = _start_of_swallowed(key)
        if swallowed is not None:
            self.stack[-1].add(Bare('"' + key[:swallowed]))
            return match.start(kind) + swallowed
        if isinstance(self.stack[-1], JsonList):
            self._leave_numbers(match.start())
        self.stack[-1].add_key(key, after_comma=match["comma"] is not None)
        return None

    def _leave_numbers(self, end: int) -> None:
        """Break off the lists of numbers that a key stands in: they miss their brackets.

        Where they hold a string, a stray quote may have swallowed more than the brackets.
        """
        lists = list(itertools.takewhile(_is_of_numbers, reversed(self.stack)))
        if len(lists) < len(self.stack) and isinstance(self.stack[-1 - len(lists)], JsonObject):
            for _ in lists:
                self._break_off(end)

    def _add_blob(self, match: re.Match[str]) -> None:
        whole = match[0][-1] in "\"'"
        self.stack[-1].add(match["blob"] if whole else Bare(match["blob"].rstrip()))

    def _add_noise(self, match: re.Match[str]) -> None:
        self.stack[-1].add_noise(match[match.lastindex or 0])

    def _pass_comment(self, _: re.Match[str]) -> None:
        """Leave a comment out."""

    def _pass_fence(self, _: re.Match[str]) -> None:
        """End what is open, as the end of the text does: no JSON reaches across a fence."""
        self._in_fence = not self._in_fence
        self.stack.clear()
        self._open_objects = self._open_tuples = 0


def _start_of_swallowed(key: str) -> int | None:
    """Return where an item ends in what should be a key: the quote before it was forgotten."""
    brace = key.rfind("{")
    if brace <= 0 or len(key) - brace > _MAX_KEY:
        return None
    found = _SWALLOWED.search(key, max(brace - _MAX_BETWEEN, 0))
    return None if found is None else found.start()


def _is_of_numbers(node: Node) -> bool:
    if not isinstance(node, JsonList) or not node.items:
        return False
    return node.whole and not (node.holds_object or node.holds_quoted)
