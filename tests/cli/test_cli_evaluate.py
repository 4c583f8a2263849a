"""``attnrec evaluate``: by hand, against the library, for every way to split and every estimator, and its errors."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import cli_runs
from attnrec import metrics
from attnrec.data import Interactions, kfold, leave_last_out, random_holdout, user_holdout
from attnrec.models import NeighbourAttention
from cli_runs import fails, interrupted, run, spawn, told, without
from estimators import ESTIMATORS

folder = cli_runs.folder
RANKING = ("recall", "ndcg", "map", "mrr", "hit rate", "precision")
SOFT = "NeighbourAttention:feedback=implicit,temperature=0.2"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ratings of 80 users and 60 items, in groups of taste, with times."""
    rng = np.random.default_rng(0)
    taste = rng.integers(0, 4, 80)
    likes = 2.5 + 1.5 * (taste[:, None] == np.arange(60) % 4) + rng.normal(0, 0.7, (80, 60))
    rated = rng.random((80, 60)) < np.where(likes > 3.5, 0.6, 0.15)
    path = tmp_path_factory.mktemp("films") / "ratings.csv"
    write(path, [(f"u{u}", 100 + i, round(likes[u, i] * 2) / 2, rng.integers(1000)) for u, i in np.argwhere(rated)])
    return path


def write(path: Path, rows: Any) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("userId", "movieId", "rating", "timestamp"), *rows])
    return path


def write_part(path: Path, data: Interactions, part: Any) -> Path:
    rows = np.repeat(np.arange(data.n_users), np.diff(part.indptr))
    names = zip(data.users.names(rows), data.items.names(part.indices), part.data, range(part.nnz), strict=True)
    return write(path, names)


def timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("model", "seconds", "notes")}


def ranked(ids: Any, test: Any, k: int) -> dict[str, float]:
    return {f"{name}@{k}": getattr(metrics, name.replace(" ", "_"))(ids, test, k) for name in RANKING}


def test_by_hand(folder: Path) -> None:
    answer = told("evaluate", folder / "ratings.csv", "--split", "last", "-k", "2,1")
    assert answer["parts"] == [{"train": 9, "test": 4, "users": 4}]
    names = [row["model"] for row in answer["models"]]
    assert names == ["NeighbourAttention (ratings)", "NeighbourAttention (0/1)", "popularity"]
    popularity = answer["models"][2]
    # Held out: ann 5, bob 5, cleo 3, dora 1. Users who have each item in the rest: 1: 3, 2: 2, 3: 1, 4: 2, 5: 1.
    # Lists of two: ann 4, 3; bob 4, 5 (a hit at 2); cleo 2, 3 (a hit at 2); dora 1 (a hit at 1), 2.
    assert popularity["recall@1"] == 0.25
    assert popularity["recall@2"] == popularity["hit rate@2"] == 0.75
    assert popularity["precision@2"] == pytest.approx(0.375)
    assert popularity["mrr@2"] == popularity["map@2"] == pytest.approx(0.5)
    assert popularity["coverage@2"] == 1.0
    # Shown 1, 2, 2, 2 and 1 times of 8: (-4 - 2 + 0 + 4 + 8) / 8 / 4 with 1, 1, 2, 2, 2
    assert popularity["gini@2"] == pytest.approx((-4 * 1 - 2 * 1 + 0 + 2 * 2 + 4 * 2) / (4 * 8))
    # Held out: 1, 1, 4, 1. Item means of the rest: 5: 5, 3: 5, 1: 14 / 3.
    errors = np.array([5 - 1, 5 - 1, 5 - 4, 14 / 3 - 1])
    assert popularity["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert popularity["mae"] == pytest.approx(np.mean(errors))
    # With 20 places everybody is shown everything: as many places are filled as the catalogue has items left
    assert told("evaluate", folder / "ratings.csv", "--split", "last")["models"][2]["coverage@20"] == 1.0
    text = run("evaluate", folder / "ratings.csv", "--implicit").stdout
    assert "recall@20" in text
    assert "rmse" not in text


def test_random_is_what_the_library_gives(films: Path) -> None:
    data = Interactions.from_csv(films)
    train, test = random_holdout(data, 0.3, 5)
    users = np.flatnonzero(np.diff(test.indptr))
    answer = told("evaluate", films, "--test-fraction", 0.3, "--seed", 5, "-k", 7)
    for row, feedback in zip(answer["models"][:2], ("explicit", "implicit"), strict=True):
        model = NeighbourAttention(feedback=feedback).fit(train, show_progress=False)
        ids = model.recommend(users, N=7)[0]
        for name, value in ranked(ids, test[users], 7).items():
            assert row[name] == pytest.approx(value, abs=1e-12), name
        assert row["novelty@7"] == pytest.approx(metrics.novelty(ids, train), abs=1e-12)
        assert row["gini@7"] == pytest.approx(metrics.gini(ids, data.n_items), abs=1e-12)
        values = metrics.ndcg(ids, test[users], 7, per_user=True)
        assert row["intervals"]["ndcg@7"] == pytest.approx(metrics.confidence_interval(values, random_state=5))
        assert set(row["intervals"]) == set(timeless(row)) - {"intervals", "coverage@7", "gini@7"}
        for name, (low, high) in row["intervals"].items():
            assert low < row[name] < high
    rated = answer["models"][0]
    model = NeighbourAttention(feedback="explicit").fit(train, show_progress=False)
    guess = model.predict(np.repeat(np.arange(data.n_users), np.diff(test.indptr)), test.indices)
    assert rated["rmse"] == pytest.approx(metrics.rmse(test.data, guess), abs=1e-9)
    assert rated["mae"] == pytest.approx(metrics.mae(test.data, guess), abs=1e-9)
    assert "rmse" not in answer["models"][1]


def test_users_are_folded_in(films: Path) -> None:
    train, fold_in, test, userids = user_holdout(Interactions.from_csv(films), 20, 0.6, 3)
    options = ["--split", "users", "--users", 20, "--fold-in", 0.6, "--seed", 3, "-k", 5]
    answer = told("evaluate", films, *options, "-m", SOFT, "-m", "NeighbourAttention")
    assert answer["parts"] == [{"train": train.nnz, "test": test.nnz, "users": 20}]
    strangers = np.full(20, -1)
    soft = NeighbourAttention(feedback="implicit", temperature=0.2).fit(train, show_progress=False)
    ids = soft.recommend(strangers, fold_in, N=5, recalculate_user=True)[0]
    for name, value in ranked(ids, test, 5).items():
        assert answer["models"][0][name] == pytest.approx(value, abs=1e-12)
    rated = NeighbourAttention(feedback="explicit").fit(train, show_progress=False)
    owners = np.repeat(np.arange(20), np.diff(test.indptr))
    guess = rated.predict(strangers[owners], test.indices, user_items=fold_in[owners])
    assert answer["models"][1]["rmse"] == pytest.approx(metrics.rmse(test.data, guess), abs=1e-6)
    popular = answer["models"][2]
    counts = np.bincount(train.indices, minlength=train.shape[1]).astype(float)
    scores = np.where(fold_in.toarray() > 0, -1, counts)
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert popular["ndcg@5"] == pytest.approx(metrics.ndcg(lists, test))
    assert len(userids) == 20
    assert told("evaluate", films, "--split", "users", "-m", "popularity")["parts"][0]["users"] == 8


def test_folds_are_pooled(films: Path) -> None:
    answer = told("evaluate", films, "--split", "kfold", "--folds", 3, "-m", SOFT, "-k", 5)
    assert len(answer["parts"]) == 3
    values, coverage = [], []
    for train, test in kfold(Interactions.from_csv(films), 3, 0):
        model = NeighbourAttention(feedback="implicit", temperature=0.2).fit(train, show_progress=False)
        ids = model.recommend(np.arange(train.shape[0]), N=5)[0]
        values.append(metrics.ndcg(ids, test, per_user=True))
        coverage.append(metrics.coverage(ids[np.diff(test.indptr) > 0], train.shape[1]))
    row = answer["models"][0]
    assert row["ndcg@5"] == pytest.approx(np.nanmean(values), abs=1e-12)
    assert row["coverage@5"] == pytest.approx(np.mean(coverage), abs=1e-12)
    counts = np.isfinite(values).sum(axis=0)
    assert len(set(counts)) > 1  # a user who is missing from a fold weighs less
    of_users = np.nansum(values, axis=0) / np.maximum(counts, 1)
    assert row["intervals"]["ndcg@5"] == pytest.approx(metrics.confidence_interval(of_users, weights=counts))


def test_temporal_cuts_where_told(films: Path) -> None:
    times = Interactions.from_csv(films).timestamps
    answer = told("evaluate", films, "--protocol", "temporal", "--time", 800, "-m", "popularity")
    assert answer["settings"] == {"time": "800"}
    assert answer["parts"][0]["test"] == (times >= 800).sum()
    answer = told("evaluate", films, "--split", "temporal", "--test-fraction", 0.1, "-m", "popularity")
    assert answer["parts"][0]["test"] == round(0.1 * len(times))


@pytest.fixture
def halves(films: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The random split as two files."""
    data = Interactions.from_csv(films)
    return tuple(
        write_part(tmp_path / name, data, part)
        for name, part in zip(("train.csv", "test.csv"), random_holdout(data), strict=True)
    )


def test_a_pair_of_files_is_as_good_as_a_split(films: Path, halves: tuple[Path, Path]) -> None:
    whole = told("evaluate", films, "-m", SOFT, "-m", "NeighbourAttention")
    pair = told("evaluate", halves[0], "--test", halves[1], "-m", SOFT, "-m", "NeighbourAttention")
    assert pair["split"] == "pair"
    assert whole["parts"] == pair["parts"]
    for a, b in zip(whole["models"], pair["models"], strict=True):
        for name, value in timeless(a).items():
            assert b[name] == pytest.approx(value) if name != "intervals" else b[name].keys() == value.keys()


def test_a_saved_model_is_asked_by_history(halves: tuple[Path, Path], tmp_path: Path) -> None:
    train, test = halves
    path = tmp_path / "model.safetensors"
    told("fit", train, "-o", path)
    answer = told("evaluate", train, "--test", test, "-m", "NeighbourAttention", "-m", path)
    fitted, saved, _ = answer["models"]
    assert saved["model"] == str(path)
    for name, value in timeless(fitted).items():
        if name != "intervals":
            assert saved[name] == pytest.approx(value, rel=1e-4), name
    assert "may have been fitted with what is held out" in saved["notes"][0]
    assert "may have been fitted with" in run("evaluate", train, "--test", test, "-m", path).stdout


def test_a_saved_model_keeps_its_own_catalogue(films: Path, tmp_path: Path) -> None:
    rows = [row for row in csv.reader(films.read_text().splitlines()) if row[0] != "userId"]
    strange = [(f"v{u}", 900 + i, 5, 1) for u in range(9) for i in range(3)]
    less = write(tmp_path / "less.csv", [*strange, *((u, i, r, t) for u, i, r, t in rows if int(i) > 105)])
    path = tmp_path / "model.safetensors"
    told("fit", less, "-o", path, "--implicit")
    row = told("evaluate", films, "--split", "last", "-m", path, "-k", 20)["models"][0]
    assert 0 < row["recall@20"] < 1
    assert "lacks 6 of 60 items" in row["notes"][1]
    # 54 items of the data and 3 strange ones fill 57 places less what each user has; the data has 60.
    wide = told("evaluate", films, "--split", "last", "-m", path, "-k", 57)["models"][0]
    assert wide["coverage@57"] == 1.0
    data = Interactions.from_csv(films)
    _, test = leave_last_out(data)
    there = data.items.names(test.indices) > 105
    assert wide["recall@57"] == pytest.approx(there.mean(), abs=1e-12)

    plain = tmp_path / "plain.safetensors"
    NeighbourAttention().fit(csr_array(np.eye(3)), show_progress=False).save(plain)
    assert "plain.safetensors: has no ids" in fails("evaluate", films, "-m", plain)
    other = tmp_path / "other.safetensors"
    told("fit", write(tmp_path / "other.csv", strange), "-o", other)
    assert "none of its items is in the data" in fails("evaluate", films, "-m", other)


@pytest.mark.parametrize("split", ["random", "last", "temporal", "kfold", "users"])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_every_estimator_by_name(films: Path, estimator: Any, split: str) -> None:
    again = [timeless(told("evaluate", films, "--split", split, "-m", estimator.__name__)["models"][0]) for _ in "ab"]
    assert again[0] == again[1]
    assert 0 < again[0]["recall@20"] <= 1
    assert again[0]["intervals"]["ndcg@10"][0] <= again[0]["ndcg@10"] <= again[0]["intervals"]["ndcg@10"][1]


def test_parameters_are_json_or_words(films: Path) -> None:
    spec = 'NeighbourAttention:temperature=1e-1,feedback=implicit,features="raw",damping = 0'
    rows = told("evaluate", films, "-m", spec, "-m", "NeighbourAttention:feedback=implicit")["models"]
    assert rows[0]["model"] == spec
    assert rows[0]["ndcg@10"] != rows[1]["ndcg@10"]


def test_the_table_shows_every_model(films: Path) -> None:
    specs = [f"NeighbourAttention:feedback=implicit,temperature=0.{i}" for i in range(1, 8)]
    result = run("evaluate", films, *[each for spec in specs for each in ("-m", spec)])
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 120
    for i in range(1, 8):
        assert f"temperature=0.{i}" in result.stdout
    assert result.stdout.count("users held out (random)") == 1
    assert "[0." in result.stdout
    text = run("evaluate", films).stdout
    assert "(0/1) is what is fitted with --implicit" in " ".join(text.split())


def test_what_nobody_can_find_is_told(tmp_path: Path) -> None:
    rows = [("a", 1, 3, 1), ("b", 1, 4, 2), ("b", 2, 4, 3), ("c", 2, 5, 9), ("a", 3, 1, 9)]
    answer = told("evaluate", write(tmp_path / "r.csv", rows), "--split", "temporal", "--time", 9, "-m", "popularity")
    assert answer["notes"] == [
        "1 held-out interactions have items without training interactions: no model finds them.",
        "1 users have no training interactions; all of them get the same recommendations.",
    ]


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_picture(films: Path, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"chart.{suffix}"
    told("evaluate", films, "--plot", path)
    first = path.read_bytes()
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix])
    told("evaluate", films, "--plot", path, "-m", "popularity")
    assert path.read_bytes() != first
    assert list(tmp_path.iterdir()) == [path]
    assert "cannot draw .txt" in fails("evaluate", films, "--plot", tmp_path / "chart.txt")
    assert "make it first" in fails("evaluate", films, "--plot", tmp_path / "no" / "chart.svg")


def test_picture_without_matplotlib(films: Path) -> None:
    code = f"from attnrec.cli import main\nmain(['evaluate', {str(films)!r}, '--plot', 'x.svg'])"
    done = without(("matplotlib",), code)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'attnrec[plot]'" in done.stderr


def test_bad_calls_are_one_line(films: Path, tmp_path: Path) -> None:
    def said(*arguments: object) -> str:
        return fails("evaluate", films, *arguments)

    assert "popularity, a saved model, *.safetensors" in said("-m", "Nobody")
    assert "'Nobody' is none of Kernel" in said("-m", "Nobody")
    assert "no parameter 'warmth'; it has temperature, feedback" in said("-m", "NeighbourAttention:warmth=1")
    assert "'0.2' is no name=value" in said("-m", "NeighbourAttention:0.2")
    assert "'temperature=2' comes twice" in said("-m", "NeighbourAttention:temperature=1,temperature=2")
    assert "neither JSON nor a word" in said("-m", "NeighbourAttention:temperature=[1")
    assert "NeighbourAttention:temperature=-1: temperature" in said("-m", "NeighbourAttention:temperature=-1")
    assert "given twice" in said("-m", SOFT, "-m", SOFT)
    assert "no such file" in said("-m", tmp_path / "none.safetensors")
    assert "--temperature is for" in said("-m", SOFT, "--temperature", 1)
    assert "--split random does not take --folds" in said("--folds", 3)
    assert "--split last does not take --test-fraction" in said("--split", "last", "--test-fraction", 0.5)
    assert "needs --test FILE" in said("--split", "pair")
    assert "leave out --test-fraction" in said("--split", "temporal", "--time", 1, "--test-fraction", 0.5)
    assert "time is 'soon'" in said("--split", "temporal", "--time", "soon")
    assert "too few" in said("--split", "temporal", "--time", 5000)
    assert "--users is 500" in said("--split", "users", "--users", 500)
    assert "interactions are in train and in test, the first of them user 'u0'" in said("--test", films)
    timeless = tmp_path / "timeless.csv"
    timeless.write_text("user,item\na,1\na,2\nb,1\n")
    assert "--split temporal needs timestamps" in fails("evaluate", timeless, "--split", "temporal")
    told("fit", films, "-o", tmp_path / "model.safetensors")
    assert "RATINGS --model model.safetensors" in fails("evaluate", tmp_path / "model.safetensors")
    one = write(tmp_path / "one.csv", [("a", 1, 3, 1)])
    assert "too few" in fails("evaluate", one)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupted_it_leaves_nothing(films: Path, tmp_path: Path) -> None:
    path = tmp_path / "chart.svg"
    path.write_text("old")
    code = "import attnrec.cli._contestants as c, attnrec.cli._group as g\n"
    code += "c.predicted_by_lists = lambda *a: (print('ready', flush=True), signal.pause())\n"
    code += f"g.main(['evaluate', {str(films)!r}, '--split', 'users', '--plot', {str(path)!r}])"
    assert interrupted(code) == "attnrec: interrupted"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_as_a_process_says_nothing_but_json(folder: Path) -> None:
    with spawn("evaluate", folder / "ratings.csv", "--split", "last", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err, out.count("\n")) == (0, "", 1)


def test_real_ratings_rank_better_without_the_stars(shared_data: Path) -> None:
    path = shared_data / "ml-latest-small" / "ratings.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    ratings, zero_one, popularity = told("evaluate", path, "-k", 10)["models"]
    assert zero_one["intervals"]["ndcg@10"][0] > popularity["intervals"]["ndcg@10"][1]
    assert popularity["intervals"]["ndcg@10"][0] > ratings["intervals"]["ndcg@10"][1]
    assert ratings["intervals"]["rmse"][1] < popularity["intervals"]["rmse"][0]
