"""A page that shows a model at work: recommendations to some users, with reasons. Fits and measures nothing."""

from __future__ import annotations

from ._page import Measured, html_report

__all__ = ["Measured", "html_report"]
