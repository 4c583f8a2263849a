"""Interleaved timing of several implementations, and medians of their times.

Implementations run in one process in turns (A B C A B C ...), so that other load affects all equally; ratios are taken
within a round. Idle threads of OpenMP and BLAS libraries spin for a few milliseconds after each call and would take
processors from the next implementation: there is a pause before each turn.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ._forms import Form

__all__ = ["Limit", "best_of", "in_turns", "median_ratio"]

Limit = Callable[[int], AbstractContextManager[Any]]
PAUSE = 0.02
# A form that has taken this long sits out the rounds after the third.
PATIENCE = 8.0
# A form that takes so many times as long as the best of its library, and not a short time, is not tried again.
HOPELESS, SHORT = 2.0, 0.5
# A call that takes this long is not repeated for the sake of a warm start.
LONG = 1.0


def turn(form: Form, seconds: float, limit: Limit, num_threads: int) -> float:
    """Seconds a call: the median of as many as fill ``seconds``, one at least, after one that is not counted.

    The first call of a turn pays for what the turn before it left: cold caches, and memory that another library gave
    back to the system and that has to be asked for again. One of a second or more counts all the same; what it pays is
    little beside that. The median, because a call that loses its processor to other work for a time slice would weigh
    more than a hundred others in a mean.
    """
    with limit(form.blas_threads or num_threads):
        time.sleep(PAUSE)
        once = _seconds(form)
        if once >= LONG:
            return once
        return statistics.median(_seconds(form) for _ in range(max(1, math.ceil(seconds / max(once, 1e-5)))))


def _seconds(form: Form) -> float:
    started = time.perf_counter()
    form.call()
    return time.perf_counter() - started


def best_of(forms: Sequence[Form], seconds: float, limit: Limit, num_threads: int) -> Form:
    """The form with the shortest median of three turns; all have been called once before.

    The median, as of the rounds: a form that is at times fast and often held up is not the best.
    """
    if len(forms) == 1:
        return forms[0]
    took = [[turn(form, seconds, limit, num_threads)] for form in forms]
    first = min(mine[0] for mine in took)
    near = [i for i, mine in enumerate(took) if mine[0] <= max(HOPELESS * first, SHORT)]
    for i in near * 2 if len(near) > 1 else []:
        took[i].append(turn(forms[i], seconds, limit, num_threads))
    return forms[min(near, key=lambda i: statistics.median(took[i]))]


def in_turns(
    forms: Sequence[Form], rounds: int, seconds: float, limit: Limit, num_threads: int, step: Callable[[], object]
) -> list[list[float]]:
    """Seconds a call, for each form a list over rounds; slow ones have fewer."""
    took: list[list[float]] = [[] for _ in forms]
    for done in range(rounds):
        for form, mine in zip(forms, took, strict=True):
            if done < 3 or sum(mine) < PATIENCE:
                mine.append(turn(form, seconds, limit, num_threads))
        step()
    return took


def median_ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Median over rounds of their time by ours."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=False))
