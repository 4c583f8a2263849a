"""The command line ``attnrec``; each command is imported when it is used."""

from __future__ import annotations

try:
    from ._group import main
except ModuleNotFoundError as error:
    if error.name != "click":
        raise
    raise SystemExit("attnrec: error: the command line needs click and rich: pip install 'attnrec[cli]'") from None

__all__ = ["main"]
