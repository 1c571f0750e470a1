"""The XML of a labelling config → its tags, read as Label Studio's editor reads them.

The editor minds no case in the names of tags and attributes. Source: `treeToModel` of
https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/core/Tree.tsx
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from label_studio_gemini.errors import LabelConfigError
from label_studio_gemini.labels.types import UnfilledTag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree.ElementTree import Element

MOST_CHARACTERS = 2_000_000
"""Of a labelling config: the 21,843 labels of ImageNet take 600,000."""

MAX_DEPTH = 100
"""How deeply tags may be nested; what people write has less than twenty levels."""


@dataclass(frozen=True, eq=False, slots=True)
class Tag:
    """One tag of a labelling config.

    Attributes:
        written: Its name as it is written: `RectangleLabels`.
        attributes: Its attributes; the names are in lower case.
        parent: The tag that it is in.
        children: The tags in it, in document order.
    """

    written: str
    attributes: Mapping[str, str]
    parent: Tag | None = None
    children: list[Tag] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its name in lower case."""
        return self.written.lower()

    @property
    def to_names(self) -> tuple[str, ...]:
        """The names in its `toName`, as they are."""
        return tuple(self.get("toName").split(","))

    @property
    def prompt(self) -> str | None:
        """Its `gemini_prompt`, if it has one."""
        return self.get("gemini_prompt") or None

    def get(self, attribute: str) -> str:
        """Return an attribute, or "" where it is missing."""
        return self.attributes.get(attribute.lower(), "")

    def is_set(self, attribute: str) -> bool:
        """Tell whether an attribute is `true`; the editor takes no other word for it."""
        return self.get(attribute) == "true"

    def required(self, attribute: str) -> str:
        """Return an attribute that the tag must have, with the white space around it.

        Raises:
            LabelConfigError: It is missing or blank.
        """
        value = self.get(attribute)
        if not value.strip():
            raise LabelConfigError(
                f"A <{self.written}> tag of the labelling config has no `{attribute}`.",
                hint=f'add {attribute}="…" to it.',
            )
        return value

    def walk(self) -> Iterator[Tag]:
        """Give this tag and all below it, in document order."""
        ahead = [self]
        while ahead:
            tag = ahead.pop()
            yield tag
            ahead.extend(reversed(tag.children))

    def ancestors(self) -> Iterator[Tag]:
        """Give the tags that it is in, the nearest first."""
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def unfilled(self, reason: str) -> UnfilledTag:
        """Return the note that it is left to people."""
        return UnfilledTag(self.written, self.required("name"), reason)


def read_tags(xml: str) -> Tag:
    """Return the root of a labelling config.

    Raises:
        LabelConfigError: It is not XML, has entities or a DTD, is longer than `MOST_CHARACTERS`, or
            is nested beyond `MAX_DEPTH`.
    """
    if len(xml) > MOST_CHARACTERS:
        raise LabelConfigError(
            f"The labelling config is longer than {MOST_CHARACTERS:,} characters.",
            hint="split the project: give each one the labels that its images need.",
        )
    element = _parse(xml)
    root = _tag_from_element(element, None)
    ahead = [(element, root, 1)]
    while ahead:
        element, tag, depth = ahead.pop()
        if depth > MAX_DEPTH:
            raise LabelConfigError(
                f"The labelling config has tags nested more than {MAX_DEPTH} deep.",
                hint="nest its <View> and <Choice> tags less deeply.",
            )
        tag.children.extend(_tag_from_element(child, tag) for child in element)
        ahead.extend(
            (child, below, depth + 1) for child, below in zip(element, tag.children, strict=True)
        )
    return root


def _tag_from_element(element: Element, parent: Tag | None) -> Tag:
    attributes = {name.lower(): value for name, value in element.attrib.items()}
    return Tag(element.tag, attributes, parent)


def _parse(xml: str) -> Element:
    try:
        return fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise LabelConfigError(
            "The labelling config has a DTD or entities, which are refused.",
            hint="remove the <!DOCTYPE …> from the labelling config.",
        ) from error
    except (ParseError, ValueError) as error:
        raise LabelConfigError(
            f"The labelling config is not valid XML: {error}.",
            hint="copy it from the project's Settings → Labeling Interface → Code.",
        ) from error
