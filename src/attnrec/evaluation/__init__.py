"""Comparing models on held-out interactions, with intervals and paired differences: :func:`compare`."""

from __future__ import annotations

from .compare import compare

__all__ = ["compare"]
