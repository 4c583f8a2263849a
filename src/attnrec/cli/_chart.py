"""The picture of ``attnrec evaluate``: its file name checked first, then drawn and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._util.extras import require
from .._util.files import written_beside

__all__ = ["check", "draw"]

_FORMATS = (".png", ".svg", ".pdf")


def check(path: Path) -> None:
    """Refuse what could not be drawn, before anything is measured.

    Raises
    ------
    ValueError, ImportError
        If the name ends in no format that is known, the folder is missing, or matplotlib is.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"--plot {path}: cannot draw {path.suffix or 'a file without suffix'}; use {', '.join(_FORMATS)}"
        )
    if not path.parent.is_dir():
        raise ValueError(f"--plot {path}: the folder {path.parent} does not exist; make it first")
    require("matplotlib", extra="plot")


def draw(path: Path, title: str, rows: Sequence[dict[str, Any]], wanted: Sequence[str]) -> None:
    """Draw the ``wanted`` metrics of each row that has them, with their intervals."""
    from ..plots._comparison import figure_of

    models = {row["model"]: {name: (row[name], *ends) for name, ends in row["intervals"].items()} for row in rows}
    names = [name for name in wanted if any(name in values for values in models.values())]
    figure = figure_of(title, models, names)
    with written_beside(path) as part:
        kind = path.suffix.lower()[1:]
        figure.savefig(part, format=kind, dpi=120, metadata={"Date": None} if kind == "svg" else None)
