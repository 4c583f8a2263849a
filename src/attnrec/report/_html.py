"""HTML elements from arbitrary text, escaped and without characters that HTML forbids."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

__all__ = ["element", "table", "text"]

# What HTML does not allow in a document: control characters but white space, halves of surrogate pairs, non-characters.
_BARRED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def text(value: object) -> str:
    """A value as text of a page or of an attribute in double quotes."""
    return html.escape(_BARRED.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True)


def element(tag: str, inner: str, **attributes: object) -> str:
    """An element around ``inner``, which is HTML; "_" in an attribute's name is "-", or left out at its end."""
    said = "".join(f' {name.rstrip("_").replace("_", "-")}="{text(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>{inner}</{tag}>"


def table(heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already; ``heads`` are titles, as text, and the class of their column."""
    top = "".join(element("th", text(title), scope="col", class_=kind) for title, kind in heads)
    body = "\n".join(
        element(
            "tr",
            "".join(element("td", cell, class_=kind) for cell, (_, kind) in zip(row, heads, strict=True)),
        )
        for row in rows
    )
    inner = f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return element("div", element("table", inner), class_="wide")
