"""Train and test parts of interactions, seeded and without loss. Needs SciPy.

Parts are CSR matrices with the shape of the whole, and every stored entry is in exactly one of them, with its value;
:func:`held_out_users` alone parts rows instead. :func:`pair` takes parts that somebody else made. Matrices may be of
any format and order; entries of one row and column are one interaction, whose value is their sum (added in float64,
then float32) and whose time is the latest of theirs.
"""

from __future__ import annotations

from .holdout import leave_last_out, random_holdout, temporal
from .kfold import kfold
from .predefined import pair
from .users import HeldOutUsers, held_out_users

__all__ = ["HeldOutUsers", "held_out_users", "kfold", "leave_last_out", "pair", "random_holdout", "temporal"]
