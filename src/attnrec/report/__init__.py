"""HTML report about a model: recommendations to some users, with explanations."""

from __future__ import annotations

from ._page import Measured, html_report

__all__ = ["Measured", "html_report"]
