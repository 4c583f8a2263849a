"""The explicit part of quality/accuracy.py on small data: folds, tables, RMSE by hand. Judges no accuracy."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
from benchmarks.quality import (
    accuracy,
    accuracy_explicit,
    accuracy_simulated,
)
from benchmarks.quality import accuracy_rating_peers as rating_peers

N_USERS, N_ITEMS, N = 30, 20, 300


@pytest.fixture
def ratings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray[Any, Any]:
    """What both files of a folder of data sets hold: user, item, rating."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation(N_USERS * N_ITEMS)[:N]
    rows = np.column_stack([pairs // N_ITEMS + 1, pairs % N_ITEMS + 1, rng.integers(1, 6, N)])
    for name in ("movielens-100k", "ml-latest-small"):
        (tmp_path / name).mkdir()
        lines = ["user,item,rating,timestamp", *(f"{u},{i},{r},0" for u, i, r in rows)]
        (tmp_path / name / "ratings.csv").write_text("\n".join(lines))
    (tmp_path / "movielens-1m-sequences").mkdir()
    with gzip.open(tmp_path / "movielens-1m-sequences" / "sequences.txt.gz", "wt") as out:
        for user in range(N_USERS):
            print(user, *rows[rows[:, 0] == user + 1, 1], file=out)
    monkeypatch.setenv("ATTNREC_DATA", str(tmp_path))
    return rows


def ran(tmp_path: Path, *options: str) -> dict[str, Any]:
    target = tmp_path / "out.json"
    assert accuracy.main(["--only", "explicit", "--json", str(target), *options]) == 0
    out: dict[str, Any] = json.loads(target.read_text())["explicit"]
    return out


def test_folds_and_rmse(ratings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ran(tmp_path, "--methods", "item mean", "biases", "attnrec")
    assert set(out) == {"movielens-100k", "ml-latest-small"}
    size = N // 5
    for fold, got in enumerate(out["movielens-100k"]["item mean"]):
        at = np.arange(N) // size == fold
        train, test = ratings[~at], ratings[at]
        means = np.array([train[train[:, 1] == item, 2].mean() for item in test[:, 1]])
        assert got["rmse"] == pytest.approx(np.sqrt(np.mean((means - test[:, 2]) ** 2)), abs=1e-5)
    for results in out.values():
        assert list(results) == ["attnrec", "item mean", "biases"]
        assert all(len(folds) == 5 and all(0.5 < one["rmse"] < 3 for one in folds) for folds in results.values())
    told = capsys.readouterr().out
    assert "| attnrec | defaults |" in told
    mean = np.mean([one["rmse"] for one in out["ml-latest-small"]["attnrec"]])
    assert f"| {mean:.4f} |" in told


def test_tuning_is_told_apart(ratings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folds = list(accuracy_explicit._movielens_100k(tmp_path))
    one = accuracy_explicit._trial(accuracy_explicit.METHODS[accuracy_explicit.TUNED][1], folds[0], True)
    assert one["tuning"] > one["fit"] > 0
    assert {"item_kernel_weight", "bias_weight"} <= one["chosen"].keys()
    assert capsys.readouterr().out.count("score") > 5


def test_missing_peers_and_data_are_told(
    ratings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("myfm", "surprise"):
        monkeypatch.setitem(sys.modules, package, None)
    out = ran(tmp_path, "--data", "ml-latest-small", "--methods", "myFM", "Surprise SVD", "biases")
    assert list(out["ml-latest-small"]) == ["biases"]
    told = capsys.readouterr().out
    assert "skipped myFM: import of myfm" in told
    assert "skipped Surprise SVD: import of surprise" in told
    (tmp_path / "ml-latest-small" / "ratings.csv").unlink()
    assert ran(tmp_path, "--data", "ml-latest-small", "--methods", "biases") == {"ml-latest-small": {"biases": []}}
    assert "skipped: no " in capsys.readouterr().out


def test_simulated_ratings(ratings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy_simulated.main(tmp_path)
    *told, last = capsys.readouterr().out.splitlines()
    one = json.loads(last)
    assert one["residuals"][-1] <= 1e-5
    assert f"{N} ratings simulated" in told[0]
    assert sum("met" in line for line in told) == 3
    pattern = accuracy_simulated.movielens_1m(tmp_path)
    assert pattern is not None
    again = accuracy_simulated.simulated(pattern)
    assert set(np.unique(again.data)) <= {1, 2, 3, 4, 5}
    assert (again != accuracy_simulated.simulated(pattern)).nnz == 0


def test_what_myfm_is_told(ratings: Any, tmp_path: Path) -> None:
    train = next(accuracy_explicit._movielens_100k(tmp_path)).train
    train = train[[0, 1, 2]]
    train.data[train.indptr[1] : train.indptr[2]] = 0
    train.eliminate_zeros()
    ids, partners = rating_peers._features(train, history=True)
    np.testing.assert_array_equal(ids.toarray(), [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    counts = np.diff(train.indptr)
    assert partners.shape == (3, len(np.unique(train.indices)))
    np.testing.assert_allclose((partners.toarray() ** 2).sum(axis=1), counts > 0)


@pytest.mark.parametrize(
    "name", [name for name in rating_peers.RATING_PEERS if name.split()[0] in ("Surprise", "myFM")]
)
@pytest.mark.filterwarnings("default")
def test_peers_that_are_installed(name: str, ratings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := rating_peers.absent(name):
        pytest.skip(why)
    monkeypatch.setattr(rating_peers, "MYFM_ITERATIONS", 20)
    fold = next(accuracy_explicit._movielens_100k(tmp_path))
    predictions = rating_peers.RATING_PEERS[name][1](fold.train)(fold.users, fold.items)
    assert predictions.shape == fold.ratings.shape
    assert 0.8 < np.sqrt(np.mean((predictions - fold.ratings) ** 2)) < 2
