"""A page taken apart with the standard library's parser."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Parsed:
    """What a page consists of."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def values(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for _, attribute, value in self.attributes if attribute == name]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parsed = Parsed()
        self.open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open = tag
        self.parsed.tags.append(tag)
        self.parsed.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.parsed.texts.setdefault(self.open, []).append(data)


def parse(page: str) -> Parsed:
    """Tags, attributes and texts of a page."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.parsed


def element(page: str, tag: str, attributes: str = "") -> str:
    """The raw text of the first element of that kind."""
    match = re.search(rf"<{tag}{attributes}>(.*?)</{tag}>", page, re.DOTALL)
    assert match, f"no <{tag}{attributes}>"
    return match[1]
