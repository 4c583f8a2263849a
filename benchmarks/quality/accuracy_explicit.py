"""Ratings: KernelAttentionRegressor beside Surprise and myFM, without side information.

Defaults of KernelAttentionRegressor were chosen on held-out tenths of the training parts of the first fold of MovieLens
100K and of the first split of ml-latest-small.
``--choose`` shows what tuning tries on the first fold of each data set: it sees the training part alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from attnrec.models import KernelAttentionRegressor
from benchmarks.quality.accuracy_data import folder, found
from benchmarks.quality.accuracy_rating_peers import RATING_PEERS, Array, Predict, absent

SPLITS = 5


class Fold(NamedTuple):
    """Ratings to learn from, and users, items and ratings to predict."""

    train: sp.csr_array
    users: Array
    items: Array
    ratings: Array


Learned = tuple[Predict, dict[str, Any]]  # and what else is to be told: "tuning" seconds, settings "chosen", "trials"
Method = Callable[[sp.csr_array], Learned]


def _ours(tune: bool) -> Method:
    def fit(train: sp.csr_array) -> Learned:
        model = KernelAttentionRegressor().fit(train, tune=tune or None, show_progress=False)
        facts: dict[str, Any] = {"steps": model.steps_}
        if model.tuning_ is not None:
            trials = list(model.tuning_)
            chosen = {name: getattr(model, name) for name in trials[0] if name not in ("score", "seconds")}
            facts |= {"tuning": sum(trial["seconds"] for trial in trials), "chosen": chosen, "trials": trials}
        return model.predict, facts

    return fit


def _peer(fit: Callable[[sp.csr_array], Predict]) -> Method:
    return lambda train: (fit(train), {})


TUNED = "attnrec, tuned"
METHODS: dict[str, tuple[str, Method]] = {
    "attnrec": ("defaults", _ours(tune=False)),
    TUNED: ("tune=True inside the fold's training part", _ours(tune=True)),
    **{name: (settings, _peer(fit)) for name, (settings, fit) in RATING_PEERS.items()},
}


def run(options: Any) -> dict[str, Any]:
    """Every data set, or the one asked for; every figure as a dict."""
    root = folder()
    parts = {"movielens-100k": _movielens_100k, "ml-latest-small": _latest_small}
    if root is None:
        return {}
    out = {n: _compare(n, part(root), options) for n, part in parts.items() if options.data in (None, n)}
    if options.data in (None, "movielens-1m-simulated") and not options.choose and not options.methods:
        out["movielens-1m-simulated"] = _simulated(root)
    return out


def _read(path: Path) -> tuple[Array, Array, Array]:
    """Numbers of users and of items, from 0 without gaps, and ratings, in the order of the file."""
    users, items, ratings = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2)).T
    return np.unique(users, return_inverse=True)[1], np.unique(items, return_inverse=True)[1], ratings


def _fold(users: Array, items: Array, ratings: Array, test: Array) -> Fold:
    kept = np.ones(len(ratings), dtype=bool)
    kept[test] = False
    shape = (users.max() + 1, items.max() + 1)
    train = sp.csr_array((ratings[kept].astype(np.float32), (users[kept], items[kept])), shape=shape)
    return Fold(train, users[test], items[test], ratings[test])


def _movielens_100k(root: Path) -> Iterator[Fold]:
    """The folds u1 .. u5: each fifth of the file in turn is predicted from the rest."""
    path = root / "movielens-100k" / "ratings.csv"
    if found(path):
        data = _read(path)
        print(f"MovieLens 100K, {len(data[0]):,} ratings, folds u1 .. u5 (each fifth of the file from the rest)")
        yield from (_fold(*data, test) for test in np.array_split(np.arange(len(data[0])), SPLITS))


def _latest_small(root: Path) -> Iterator[Fold]:
    """A random tenth is predicted from the rest; five seeds."""
    path = root / "ml-latest-small" / "ratings.csv"
    if found(path):
        data = _read(path)
        n = len(data[0])
        print(f"ml-latest-small, {n:,} ratings, a random tenth from the rest, seeds 0 .. {SPLITS - 1}")
        for seed in range(SPLITS):
            yield _fold(*data, np.random.default_rng(seed).permutation(n)[: n // 10])


def _compare(data: str, folds: Iterator[Fold], options: Any) -> dict[str, Any]:
    wanted = [TUNED] if options.choose else [n for n in METHODS if not options.methods or n in options.methods]
    for name in filter(absent, wanted):
        print(f"skipped {name}: {absent(name)}")
    out: dict[str, Any] = {name: [] for name in wanted if not absent(name)}
    for number, fold in enumerate(folds):
        for name, results in out.items():
            results.append(one := _trial(METHODS[name][1], fold, options.choose))
            told = [f"fit {one['fit']:.1f} s", f"predict {one['predict']:.1f} s"]
            told += [f"tuning {one['tuning']:.0f} s", f"chosen {one['chosen']}"] if "tuning" in one else []
            print(f"{data} {number + 1} {name}: {one['rmse']:.4f}, {', '.join(told)}", flush=True)
        if options.choose:
            break
    if not options.choose and any(out.values()):
        _table({name: results for name, results in out.items() if results})
    return out


def _trial(method: Method, fold: Fold, show: bool) -> dict[str, Any]:
    """RMSE of predictions cut to the range of the training ratings, and seconds."""
    started = time.perf_counter()
    predict, facts = method(fold.train)
    fitted = time.perf_counter()
    predictions = np.clip(predict(fold.users, fold.items), fold.train.data.min(), fold.train.data.max())
    done = time.perf_counter()
    for trial in facts.pop("trials", ()) if show else ():
        print(" ", trial)
    rmse = float(np.sqrt(np.mean((predictions.astype(np.float64) - fold.ratings) ** 2)))
    return {"rmse": rmse, "fit": fitted - started - facts.get("tuning", 0), "predict": done - fitted, **facts}


def _table(out: dict[str, list[dict[str, Any]]]) -> None:
    n = len(next(iter(out.values())))
    print("RMSE without side information, predictions cut to the scale; seconds a fold (medians), tuning apart")
    print("| method | settings | " + " | ".join(map(str, range(1, n + 1))) + " | mean | fit | predict | tuning |")
    print("|---|---|" + "---|" * (n + 4))
    for name, results in out.items():
        rmse = [one["rmse"] for one in results]
        seconds = [
            np.median([one[k] for one in results]) if k in results[0] else None for k in ("fit", "predict", "tuning")
        ]
        cells = [name, METHODS[name][0], *(f"{x:.4f}" for x in (*rmse, np.mean(rmse)))]
        print("| " + " | ".join([*cells, *("" if s is None else f"{s:.1f} s" for s in seconds)]) + " |", flush=True)


def _simulated(root: Path) -> dict[str, Any]:
    """The size of MovieLens 1M, in a process of its own, so that its peak memory is its own."""
    line = [sys.executable, "-m", "benchmarks.quality.accuracy_simulated", str(root)]
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
    out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    print("\n".join(done.stdout.splitlines()[:-1]), flush=True)
    return out
