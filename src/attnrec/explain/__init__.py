"""Explanations of scores by contributions, and counterfactuals: scores without single history items."""

from __future__ import annotations

from .counterfactuals import Counterfactuals
from .explanation import Explanation, Names, Part, named

__all__ = ["Counterfactuals", "Explanation", "Names", "Part", "named"]
