"""A page that shows a model at work: recommendations to some users, with reasons. Needs the extra ``cli`` (Jinja2)."""

from __future__ import annotations

from ._page import Measured, html_report

__all__ = ["Measured", "html_report"]
