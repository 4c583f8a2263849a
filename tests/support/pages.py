"""What tests of pages and pictures share: a strict parser, what no page of ours may hold, and titles."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "input", "hr"}
# Whatever a title may be: long, of wide or narrow letters, without a blank, of other scripts, written from the right.
TITLES = [
    "Monty Python and the Holy Grail, or How to Look for a Cup with Coconuts in SourceLocation of Horses (1975)",
    "\u5343\u3068\u5343\u5c0b\u306e\u795e\u96a0\u3057" * 9,
    "Up",
    "M",
    "\U0001f3ac\U0001f37f " + "\U0001f469\u200d\U0001f469\u200d\U0001f467 " * 30,
    "\u0644\u0648\u0631\u0646\u0633 \u0627\u0644\u0639\u0631\u0628 " * 9,
    "W" * 70,
    "an_identifier_without_a_blank_" * 4,
    "i" * 40,
    "Z\u0301o\u0308 " * 40,
    " blanks   around ",
    "\u00e6",
]


class Page(HTMLParser):
    """Elements with their attributes, and the text; a tag that is not closed in its place is an error."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def harmless(page: str) -> Page:
    """It asks for nothing and runs nothing."""
    read = Page(page)
    assert "http://" not in page
    assert "https://" not in page
    names = {name for name, _ in read.elements}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in read.elements:
        assert not any(name.startswith("on") or name in ("src", "href", "style") for name in attributes)
    assert not re.search(r"url\(|@import", page)
    policy = [each["content"] for each in read.all("meta") if "content" in each and each.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    return read
