"""Reads a rendered page as the tests need it: elements in order, and the text that people see."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "use", "source", "wbr"})
# What is inside is not prose of ours: moments, code, the caps of keys, initials, and blocks of data.
NOT_PROSE: Final = frozenset({"time", "code", "kbd", "script", "style"})
VISIBLE: Final = ("title", "placeholder", "aria-label", "alt")


@dataclass(slots=True)
class Element:
    """An element with its attributes and, collected, the text inside."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    text: str = ""


@dataclass(slots=True)
class Reading(HTMLParser):
    """A page, read."""

    elements: list[Element] = field(default_factory=list)
    # Every text that people see, in the page's order; attributes stand where their element does.
    prose: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and the attributes of it that people see or hear."""
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(open_.tag for open_ in self._open))
        self.elements.append(element)
        if tag != "time":
            self.prose += [element.attributes[name] for name in VISIBLE if element.attributes.get(name)]
        if tag == "input" and element.attributes.get("type") in ("submit", "button", "reset"):
            self.prose.append(element.attributes.get("value", ""))
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element of that name."""
        while self._open:
            if self._open.pop().tag == tag:
                break

    def handle_data(self, data: str) -> None:
        """Note text."""
        for element in self._open:
            element.text += data
        if not any(element.tag in NOT_PROSE or "data-initials" in element.attributes for element in self._open):
            self.prose.append(data)

    def all(self, tag: str) -> list[Element]:
        """Return the elements of that name."""
        return [element for element in self.elements if element.tag == tag]

    def ids(self) -> list[str]:
        """Return all ids, in order."""
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]


def read(html: str) -> Reading:
    """Read a page."""
    reading = Reading()
    reading.feed(html)
    reading.close()
    return reading
