"""compare: candidates on held-out interactions, as a frame with intervals and paired differences."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._util.frames import make_frame
from .measure import OF_LISTS, OF_PARTS, OF_RATINGS, measured
from .models import POPULARITY, Candidate, estimator, popularity
from .protocols import SPLITS, Part, parts

if TYPE_CHECKING:
    from ..data import Interactions

__all__ = ["as_columns", "compare", "cut", "metric_names"]

# Settings of the ways to split, and what they are unless given.
_DEFAULTS: dict[str, Any] = {
    "test_fraction": 0.2,
    "time": None,
    "folds": 5,
    "users": None,
    "fold_in": 0.8,
    "test": None,
}


def compare(
    models: Mapping[str, Any] | Iterable[Any],
    interactions: Interactions,
    *,
    split: str = "random",
    metrics: Iterable[str] | str = ("ndcg", "recall"),
    k: int | Iterable[int] = 10,
    random_state: int = 0,
    test: Interactions | None = None,
    test_fraction: float = 0.2,
    time: Any = None,
    folds: int = 5,
    users: int | None = None,
    fold_in: float = 0.8,
    versus: str | None = None,
    resamples: int = 1000,
    backend: str | None = None,
    show_progress: bool | None = None,
) -> Any:
    """Measure how well models find held-out interactions, and how sure their differences are.

    Every estimator is fitted anew on what is not held out. Lists are drawn from all items that the user does not have
    there (full ranking). Intervals hold the middle 95 % of a bootstrap over users; all models share its draws, so that
    the interval of a difference is that of paired values, which is narrower than two intervals suggest.

    Parameters
    ----------
    models : dict of name -> model, or sequence of models
        A model is an estimator, which is cloned with its parameters and fitted on each part; the path of a saved
        model, which is asked by history and not fitted; or ``"popularity"``. In a sequence an estimator is named after
        its class, with a number from the second of a class on.
    interactions : Interactions
        What is split; with ``split="pair"`` all of it is fitted.
    split : {"random", "last", "temporal", "kfold", "users", "pair"}
        What is held out: a share of all interactions; each user's latest; the latest of all; every interaction once,
        in folds; a part of the histories of users that no model was fitted with; or ``test``. ``test`` implies "pair".
    metrics : str or sequence of str
        Names of :mod:`attnrec.metrics`: "recall", "ndcg", "map", "mrr", "hit_rate", "precision", "novelty",
        "coverage" and "gini" of lists, "rmse" and "mae" of predicted ratings, where a model predicts any.
    k : int or sequence of int
        Lengths of the lists; each metric of lists is computed for each.
    random_state : int
        Seed of what is drawn: splits and resamples.
    test : Interactions, optional
        What is held out with ``split="pair"``, joined by ids.
    test_fraction : float
        Share that "random" and "temporal" hold out, between 0 and 1.
    time : number, date or str, optional
        "temporal" holds out what happened then or later, instead of a share.
    folds : int
        Number of folds of "kfold", at least 2.
    users : int, optional
        Number of users that "users" holds out; a tenth of all by default.
    fold_in : float
        Share of a held-out user's history that models are given with "users", between 0 and 1.
    versus : str, optional
        Name of the model that the others are compared with; the first one by default.
    resamples : int
        Number of bootstrap resamples; more of them make the limits of the intervals steadier.
    backend : {"pandas", "polars", "pyarrow"}, optional
        Library of the frame; that of ``interactions`` by default.
    show_progress : bool, optional
        Whether a progress bar is shown on stderr; by default where stderr is a terminal.

    Returns
    -------
    frame
        A row for each model and metric: ``model``, ``metric`` ("ndcg@10"), ``value``, the limits ``low`` and ``high``,
        ``versus``, ``difference`` (value less that of ``versus``) and its limits ``diff_low`` and ``diff_high``. A
        difference whose limits have one sign is more than the choice of users explains. NaN where there is none: the
        limits of coverage and Gini index, and the differences of ``versus`` itself.

    Raises
    ------
    ValueError, TypeError
        If a name, a setting or a model is not one of these, a setting belongs to another split, nothing can be held
        out, or a model cannot be fitted; the message names the argument or the model.

    Examples
    --------
    >>> from attnrec.data import load_demo
    >>> from attnrec.evaluation import compare
    >>> from attnrec.models import KernelAttentionRecommender
    >>> models = ["popularity", KernelAttentionRecommender()]
    >>> found = compare(models, load_demo().interactions, metrics="recall", k=20, backend="pyarrow")
    >>> found.column_names[:5]
    ['model', 'metric', 'value', 'low', 'high']
    >>> found["diff_low"][1].as_py() > 0  # the limits of the difference have one sign
    True
    """
    names = metric_names(metrics, k)
    if test is not None and split == "random":
        split = "pair"
    given = {"test_fraction": test_fraction, "time": time, "folds": folds, "users": users, "fold_in": fold_in}
    pieces = cut(interactions, split, {**given, "test": test}, random_state)
    known = pieces[0].train if split == "pair" else interactions
    candidates = _candidates(models, known)
    labels = [candidate.label for candidate in candidates]
    base = labels[0] if versus is None else versus
    if base not in labels:
        raise ValueError(f"versus={versus!r} is none of the models {', '.join(map(repr, labels))}")
    rows = measured(candidates, pieces, names, resamples, random_state, versus=base, show_progress=show_progress)
    return make_frame(as_columns(rows, names, base), backend or interactions.backend)


def cut(interactions: Interactions, split: str, given: Mapping[str, Any], seed: int) -> list[Part]:
    """The parts of one protocol, each with something to fit and something held out; ``given`` are its settings.

    Raises
    ------
    ValueError
        If a setting was given that the split does not take, or too little is left to hold out.
    """
    if split not in SPLITS:
        raise ValueError(f"split={split!r:.40} is none of {', '.join(map(repr, SPLITS))}")
    for name, value in given.items():
        if name not in SPLITS[split] and value is not _DEFAULTS[name] and value != _DEFAULTS[name]:
            fitting = next(one for one, settings in SPLITS.items() if name in settings)
            raise ValueError(f"{name}= is no setting of split={split!r}; leave it out, or use split={fitting!r}")
    if split == "pair" and given["test"] is None:
        raise ValueError("split='pair' needs test=, the Interactions that are held out")
    if split in ("last", "temporal") and interactions.timestamps is None:
        raise ValueError(f"split={split!r} needs timestamps, which interactions lack; use split='random'")
    pieces = parts(interactions, split, {**given, "seed": seed})
    if not all(len(part.train) and part.test.nnz for part in pieces):
        raise ValueError(f"{len(interactions)} interactions are too few to hold some out; use more data")
    return pieces


def metric_names(metrics: Iterable[str] | str, k: int | Iterable[int]) -> list[str]:
    """``"ndcg@10"`` for each metric of lists and each k, and the names of those of ratings."""
    ks = [k] if isinstance(k, (int, np.integer)) else list(k)
    if not ks or not all(map(_is_length, ks)):
        raise ValueError(f"k={k!r:.60} must be an integer of at least 1, or several, for example k=[10, 20]")
    out = []
    for metric in [metrics] if isinstance(metrics, str) else metrics:
        kind = str(metric).replace("_", " ")
        if kind in OF_RATINGS:
            out.append(kind)
        elif kind in OF_LISTS or kind in OF_PARTS:
            out += [f"{kind}@{one}" for one in sorted({int(one) for one in ks})]
        else:
            there = (name.replace(" ", "_") for name in (*OF_LISTS, *OF_PARTS, *OF_RATINGS))
            raise ValueError(f"metrics: {metric!r:.40} is none of {', '.join(there)}")
    if not out:
        raise ValueError("metrics is empty: name at least one, for example metrics=('ndcg', 'recall')")
    return list(dict.fromkeys(out))


def _is_length(k: object) -> bool:
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool) and int(k) >= 1


def as_columns(rows: list[dict[str, Any]], names: Iterable[str], versus: str) -> dict[str, Any]:
    """Columns of the frame, by name, from what :func:`attnrec.evaluation.measure.measured` gives."""
    nothing = (float("nan"),) * 3
    found = [(row, name) for row in rows for name in names if name in row]
    ends = [row["intervals"].get(name, nothing[:2]) for row, name in found]
    differences = [row["differences"].get(name, nothing) for row, name in found]
    columns: dict[str, Any] = {
        "model": np.array([row["model"] for row, _ in found], dtype=object),
        "metric": np.array([name.replace(" ", "_") for _, name in found], dtype=object),
        "value": np.array([row[name] for row, name in found]),
        "low": np.array([low for low, _ in ends]),
        "high": np.array([high for _, high in ends]),
        "versus": np.array([versus] * len(found), dtype=object),
    }
    for at, name in enumerate(("difference", "diff_low", "diff_high")):
        columns[name] = np.array([difference[at] for difference in differences])
    return columns


def _candidates(models: Mapping[str, Any] | Iterable[Any], data: Interactions) -> list[Candidate]:
    """Of each model a candidate under its name."""
    if isinstance(models, Mapping):
        named = list(models.items())
    else:
        named = [(_name(model), model) for model in ([models] if isinstance(models, (str, os.PathLike)) else models)]
        seen: dict[str, int] = {}
        for at, (name, model) in enumerate(named):
            seen[name] = seen.get(name, 0) + 1
            named[at] = (name if seen[name] == 1 else f"{name} {seen[name]}", model)
    if not named:
        raise ValueError("models is empty: give a dict of name -> estimator, or a list of estimators")
    return [_candidate(str(name), model, data) for name, model in named]


def _name(model: Any) -> str:
    return Path(model).name if isinstance(model, (str, os.PathLike)) else type(model).__name__


def _candidate(name: str, model: Any, data: Interactions) -> Candidate:
    if model == POPULARITY:
        found = popularity()
    elif isinstance(model, (str, os.PathLike)):
        from .saved_model import saved

        if not Path(model).is_file():
            raise ValueError(f"models: {os.fspath(model)!r} is neither 'popularity' nor the path of a saved model")
        found = saved(Path(model), data)
    elif hasattr(model, "get_params") and hasattr(model, "recommend") and not isinstance(model, type):
        found = estimator(name, lambda: type(model)(**model.get_params()))
    else:
        raise TypeError(
            f"models: {name!r} is {model!r:.60}, which is no estimator; give one such as "
            "attnrec.models.KernelAttentionRecommender(), the path of a saved model, or 'popularity'"
        )
    return Candidate(name, found.fit, found.notes)
