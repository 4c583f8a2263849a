"""Hyperparameter search: grids, coordinate search, the held-out part, and the table of trials."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..._util.frames import make_frame
from ..._util.validate import check_positive_int
from ...data.splits._parts import parts
from ..inputs.histories import CSR, Array
from . import batches

__all__ = ["Trials", "coordinate_search", "hold_out", "search", "settings"]

Space = Mapping[str, Sequence[object]]


class Trials(list[dict[str, Any]]):
    """What was tried, in order: for each setting its parameters, and ``score`` (higher is better) and ``seconds``."""

    def to_frame(self, backend: str | None = None) -> object:
        """One row for each setting, one column for each parameter, and score and seconds.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the frame; by default the first of these that is installed.
        """
        names = list(dict.fromkeys(name for trial in self for name in trial))
        columns = {name: [trial.get(name) for trial in self] for name in names}
        return make_frame(columns, backend)


def settings(tune: object, space: Space, known: Sequence[str], random_state: int) -> list[dict[str, object]]:
    """The settings that ``tune`` asks for, each a dict of constructor parameters.

    Parameters
    ----------
    tune : True, int, mapping of sequences, or iterable of mappings
        The whole grid ``space``; that many of its points, drawn with ``random_state``; a grid; or the settings.
    space : mapping of sequences
        Grid of the estimator.
    known : sequence of str
        Parameters that the estimator has.

    Raises
    ------
    ValueError, TypeError
        If ``tune`` is none of these, names an unknown parameter, or holds no setting.
    """
    out: list[Any]
    if isinstance(tune, (bool, Mapping)):
        out = _grid(space if isinstance(tune, bool) else tune)
    elif isinstance(tune, (int, np.integer)):
        out = _grid(space)
        draw = np.random.default_rng(random_state).permutation(len(out))
        out = [out[i] for i in draw[: check_positive_int("tune", tune)]]
    elif isinstance(tune, Iterable) and not isinstance(tune, str):
        out = list(tune)
    else:
        out = [tune]
    for one in out:
        if not isinstance(one, Mapping):
            raise TypeError(
                f"tune={one!r:.60}: pass True, a number of settings to draw, a grid such as "
                f"{{{next(iter(space))!r}: [...]}}, or a list of settings"
            )
        for name in one:
            if name not in known:
                raise ValueError(f"tune names {name!r}, which is no parameter: there are {', '.join(known)}")
    if not out:
        raise ValueError("tune holds no setting to try: give at least one value for each parameter that it names")
    return [dict(one) for one in out]


def _grid(space: Space) -> list[dict[str, object]]:
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, (Sequence, np.ndarray)):
            raise TypeError(f"tune[{name!r}]={values!r:.60} must list the values to try")
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*space.values())]


def coordinate_search(
    space: Space, start: Mapping[str, object], trials: Trials, *, sweeps: int = 2
) -> Iterator[dict[str, object]]:
    """Settings of a coordinate search: one parameter at a time, in the order of ``space``, up its values for as long as
    the score improves, else down; all parameters ``sweeps`` times, or until none changes.

    Parameters
    ----------
    space : mapping of sequences of numbers
    start : mapping
        The first setting is what it holds for the parameters of ``space``; its values join theirs.
    trials : Trials
        The table that :func:`search` fills in the meantime.
    """
    best = {name: start[name] for name in space}
    yield best
    top, known = trials[-1]["score"], {tuple(best.values())}
    for _ in range(sweeps):
        before = best
        for name, values in space.items():
            steps: list[Any] = sorted({*values, start[name]})
            for way in (1, -1):
                first = at = steps.index(best[name])
                while 0 <= (at := at + way) < len(steps):
                    one = {**best, name: steps[at]}
                    if tuple(one.values()) in known:
                        break
                    known.add(tuple(one.values()))
                    yield one
                    if not trials[-1]["score"] > top:
                        break
                    best, top = one, trials[-1]["score"]
                if best[name] != steps[first]:
                    break
        if best == before:
            return


def search(
    tried: Iterable[dict[str, object]],
    score: Callable[[dict[str, object]], float],
    *,
    trials: Trials | None = None,
    show_progress: bool = False,
) -> tuple[dict[str, object], Trials]:
    """Score every setting; the best one (the first of equals) and the table.

    Parameters
    ----------
    tried : iterable of dict
        May be a generator that looks at the table so far: it is asked for one setting at a time.
    trials : Trials, optional
        The table to fill, for such a generator.
    score : callable
        Given a setting, how good it is; higher is better.

    Raises
    ------
    ValueError
        If no setting has a score that is a number.
    """
    trials = Trials() if trials is None else trials
    best, top = None, -math.inf
    total = len(tried) if isinstance(tried, Sequence) else None
    with batches.progress(total, show_progress, "setting") as bar:
        for one in tried:
            started = time.perf_counter()
            got = float(score(one))
            trials.append({**one, "score": got, "seconds": time.perf_counter() - started})
            if got > top:
                best, top = one, got
            bar.set_postfix(best=f"{top:.4f}")
            bar.update()
    if best is None:
        raise ValueError("no setting has a score: the part held out says nothing; fit without tune, or on more data")
    return dict(best), trials


def hold_out(x: CSR, random_state: int, *, fraction: float = 0.2, most: int = 1000) -> tuple[CSR, CSR, Array]:
    """Hold out a part of the histories of some users, drawn with ``random_state``.

    Parameters
    ----------
    x : (users, items) CSR
    fraction : float
        Share of a user's items that is held out, rounded down, at least one.
    most : int
        Users who lose a part; fewer where fewer have at least two items, and at most half of those.

    Returns
    -------
    train : (users, items) CSR
    test : (k, items) CSR
    userids : (k,) int64
        Rows of ``train`` that ``test`` belongs to, in order.

    Raises
    ------
    ValueError
        If no user has two items.
    """
    rng = np.random.default_rng(random_state)
    lengths = np.diff(x.indptr)
    able = np.flatnonzero(lengths >= 2)
    if not len(able):
        raise ValueError("tuning holds out a part of some histories, and nobody has two items: fit without tune")
    userids = np.sort(rng.permutation(able)[: min(most, max(1, len(able) // 2))])
    held = np.zeros(x.nnz, dtype=bool)
    for user in userids:
        n = int(lengths[user])
        held[x.indptr[user] + rng.permutation(n)[: max(1, int(fraction * n))]] = True
    train, test = parts(x, held)
    return train, test[userids], userids
