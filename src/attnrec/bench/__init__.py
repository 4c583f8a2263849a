"""``attnrec bench``: this machine's speed, next to NumPy and to other libraries. Nothing below imports it."""

from __future__ import annotations

from ._command import command

__all__ = ["command"]
