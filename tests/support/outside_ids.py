"""Ids and titles of every kind that a file holds, drawn by Hypothesis, and a model that has them. Holds no test."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_array

from attnrec.data import Interactions
from attnrec.models import NeighbourAttention

__all__ = ["named_model", "named_sides", "titles_for"]

_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=6)  # lone surrogates too, as in names of files
_PAST_FLOAT = st.integers(2**53, 2**63 - 1) | st.integers(-(2**63), -(2**53))
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | _PAST_FLOAT
_PLAIN = _NUMBERS | _ANY_TEXT | st.integers(2**63, 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_MIXED = _PLAIN | st.tuples(_PLAIN, _ANY_TEXT) | st.booleans()


def _distinct(names: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(names, min_size=2, max_size=7, unique_by=lambda name: name)


named_sides = _distinct(_NUMBERS) | _distinct(_ANY_TEXT) | _distinct(_MIXED)


def titles_for(items: list[Any]) -> st.SearchStrategy[Any]:
    """None, or a title or none for each item, in order."""
    one = st.none() | _ANY_TEXT
    return st.none() | st.lists(one, min_size=len(items), max_size=len(items))


def named_model(users: list[Any], items: list[Any]) -> NeighbourAttention:
    """A small model; user 0 has item 0, and everybody else all but theirs."""
    x = np.ones((len(users), len(items)), np.float32)
    x[0, 1:] = 0
    for row in range(1, len(users)):
        x[row, row % len(items)] = 0
    x[1, 0] = 1
    return NeighbourAttention().fit(Interactions.from_sparse(csr_array(x), users, items), show_progress=False)
