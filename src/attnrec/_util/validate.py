"""Checks of single arguments, with errors that name the argument, its value and what it must be."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

__all__ = ["check_choice", "check_flag", "check_number", "check_positive_int", "check_seed", "check_share"]


def check_number(name: str, value: Any, low: float = 0) -> None:
    """A finite number of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}={value!r:.40} is not a number")
    if not np.isfinite(value) or value < low:
        raise ValueError(f"{name}={value!r} must be finite and {f'at least {low:.9g}' if low else '0 or more'}")


def check_share(name: str, value: Any) -> None:
    """A number from 0 to 1."""
    check_number(name, value)
    if value > 1:
        raise ValueError(f"{name}={value!r} is a share: it must be 0 to 1")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={value!r:.40} is not one of {', '.join(map(repr, choices))}")


def check_positive_int(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    try:
        n = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r} is not a whole number") from None
    if isinstance(value, bool) or n < 1:
        raise ValueError(f"{name}={value!r} must be a whole number of at least 1")
    return n


def check_flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r:.40} is not True or False")
    return bool(value)


def check_seed(name: str, value: object) -> None:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={value!r:.40} is not a whole number")
    if value < 0:
        raise ValueError(f"{name}={value} must be 0 or more")
