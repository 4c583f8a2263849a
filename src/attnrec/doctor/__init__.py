"""Examination of the installation, and a self-test against the reference."""

from __future__ import annotations

from .findings import Finding, as_records, as_text, examine, openmp_runtimes

__all__ = ["Finding", "as_records", "as_text", "examine", "openmp_runtimes"]
