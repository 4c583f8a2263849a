"""Printing of tables, sentences and JSON on stdout."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from .._util.extras import require

__all__ = ["console", "print_json", "print_lines", "print_table"]

_RATIOS = {"wide": 1, "cut": 1}


def console() -> Any:
    """A rich console on stdout; plain text of 100 columns where stdout is no terminal and COLUMNS does not say."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 100
    out = require("rich.console", extra="cli").Console(highlight=False, width=width)
    out.on_broken_pipe = _reader_left
    return out


def _reader_left() -> NoReturn:
    """Instead of rich's own exit: the group of commands ends all of them in one way."""
    raise BrokenPipeError


def print_json(thing: dict[str, Any]) -> None:
    """One JSON object; what is not finite becomes null."""
    print(json.dumps(_plain(thing), ensure_ascii=False))


def print_table(title: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> None:
    """A table over the whole width or less.

    ``columns`` are headers and kinds: "right" for numbers, "left" for text that is folded where it is long; "wide" and
    "cut" share the whole width, and "cut" ends in an ellipsis where it is long.
    """
    table = require("rich.table", extra="cli").Table(
        box=require("rich.box", extra="cli").SIMPLE_HEAD,
        pad_edge=False,
        expand=any(kind in _RATIOS for _, kind in columns),
    )
    for header, kind in columns:
        table.add_column(
            header,
            justify="right" if kind == "right" else "left",
            no_wrap=kind in ("right", "cut"),
            ratio=_RATIOS.get(kind),
            overflow="ellipsis" if kind == "cut" else "fold",
        )
    for row in rows:
        table.add_row(*map(_escaped, row))
    out = console()
    out.print(title, style="bold", markup=False)
    out.print(table)


def print_lines(*lines: str, style: str | None = None) -> None:
    """Sentences, wrapped to the width of the terminal; what looks like markup is text."""
    out = console()
    for line in lines:
        out.print(line, style=style, markup=False)


def _escaped(text: str) -> str:
    escaped: str = require("rich.markup", extra="cli").escape(text)
    return escaped


def _plain(value: Any) -> Any:
    """What json can write: NumPy scalars as Python ones, other ids as text."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
