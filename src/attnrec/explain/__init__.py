"""Why an item has its score (Explanation), and what it would be without parts of the history (Counterfactuals)."""

from __future__ import annotations

from .counterfactuals import Counterfactuals
from .explanation import Explanation, Names, Part, named

__all__ = ["Counterfactuals", "Explanation", "Names", "Part", "named"]
