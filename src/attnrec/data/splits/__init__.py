"""Splits of interactions into training and test parts, seeded and without loss. Needs SciPy.

The parts are CSR matrices of the shape of the input, and every stored entry is in exactly one of them, with its value;
:func:`user_holdout` divides rows instead. :func:`pair` checks parts that were split elsewhere. Matrices may have
any format and order; entries of one row and column are one interaction, whose value is their sum (added in float64,
then float32) and whose time is the latest of them.
"""

from __future__ import annotations

from .holdout import leave_last_out, random_holdout, temporal
from .kfold import kfold
from .predefined import pair
from .users import UserHoldout, user_holdout

__all__ = ["UserHoldout", "kfold", "leave_last_out", "pair", "random_holdout", "temporal", "user_holdout"]
