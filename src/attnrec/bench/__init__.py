"""``attnrec bench``: times the operations against NumPy and other libraries."""

from __future__ import annotations

from ._command import command

__all__ = ["command"]
