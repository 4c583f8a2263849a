"""The command line on the scale of ratings, and on ratings below 0: what is printed, written, measured and reported."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from attnrec.data import Interactions, random_holdout
from attnrec.models import NeighbourAttention, load
from cli_runs import run, told
from signs import RATED, enthusiasts

U, N = RATED

SHARP = ("-m", "NeighbourAttention:temperature=0.2,damping=0.0,feedback=explicit")
LIKES = ("-m", "KernelAttentionRecommender")


def written(path: Path, x: np.ndarray) -> Path:
    rows = "".join(f"u{u},i{i},{x[u, i]:g}\n" for u, i in zip(*np.nonzero(x), strict=True))
    path.write_text("user,item,rating\n" + rows)
    return path


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    return written(tmp_path / "ratings.csv", enthusiasts())


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """Everybody dislikes two of the items that they know."""
    x = enthusiasts()
    for row in x:
        row[np.flatnonzero(row)[:2]] = -1
    return written(tmp_path / "signed.csv", x)


def test_scores_are_on_the_scale(ratings: Path, tmp_path: Path) -> None:
    cut = 0
    for user in range(U):
        shown = told("recommend", ratings, "--user", f"u{user}", "-k", N, *SHARP)["recommendations"]
        raw = told("recommend", ratings, "--user", f"u{user}", "-k", N, "--unclipped", *SHARP)["recommendations"]
        assert [one["item"] for one in shown] == [one["item"] for one in raw]
        assert [one["score"] for one in shown] == [min(max(one["score"], 1), 5) for one in raw]
        for one, other in zip(shown, raw, strict=True):
            if one["score"] != other["score"]:
                cut += 1
                asked = ("explain", ratings, "--user", f"u{user}", "--item", one["item"], *SHARP)
                assert told(*asked)["score"] == pytest.approx(one["score"])
                assert told(*asked)["bias_name"].endswith("less what passes the range of ratings")
                assert told(*asked, "--unclipped")["score"] == pytest.approx(other["score"], rel=1e-5)
                break
    assert cut
    for more, wide in (((), False), (("--unclipped",), True)):
        out = tmp_path / "out.csv"
        assert run("recommend", ratings, "--all-users", "-k", N, "-o", out, *more, *SHARP).exit_code == 0
        scores = [float(row["score"]) for row in csv.DictReader(out.read_text().splitlines())]
        assert (min(scores) < 1 or max(scores) > 5) == wide


def test_what_is_measured_is_what_is_shown(ratings: Path) -> None:
    """The errors of ``evaluate`` are those of predictions within the scale."""
    data = Interactions.from_file(ratings)
    train, test = random_holdout(data, 0.2, 0)
    model = NeighbourAttention(0.2, damping=0.0, feedback="explicit").fit(train, show_progress=False)
    users = np.repeat(np.arange(U), np.diff(test.indptr))
    errors = {
        clip: np.sqrt(np.mean((model.predict(users, test.indices, clip=clip) - test.data.astype(float)) ** 2))
        for clip in (True, False)
    }
    assert errors[True] < errors[False]
    row = told("evaluate", ratings, *SHARP)["models"][0]
    assert row["rmse"] == pytest.approx(errors[True], rel=1e-6)


def test_a_report_names_the_scale(ratings: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert run("report", ratings, "--user", "u1", "-o", out, *SHARP).exit_code == 0
    assert "predicts ratings, shown within 1 to 5" in out.read_text()


@pytest.mark.filterwarnings("default")
def test_dislikes(signed: Path, tmp_path: Path) -> None:
    result = run("recommend", signed, "--user", "u1", "-k", N, *LIKES)
    assert result.exit_code == 0
    note = [line for line in result.stderr.splitlines() if line.startswith("attnrec: note: ")]
    assert len(note) == 1
    assert "user_items holds 18 values below 0, taken as dislikes" in note[0]
    assert "Choose --model NAME:negative=ignore for neither" in note[0]
    assert "Warning" not in result.stderr
    asked = ("recommend", signed, "--user", "u1", "-k", N)
    seen, ignored = (
        {one["item"] for one in told(*asked, "-m", f"KernelAttentionRecommender:negative={how}")["recommendations"]}
        for how in ("seen", "ignore")
    )
    assert len(ignored - seen) == 2
    model = tmp_path / "model.safetensors"
    saved = run("fit", signed, "-m", "KernelAttentionRecommender:negative=ignore", "-o", model)
    assert saved.exit_code == 0
    assert not saved.stderr
    assert load(model).get_params()["negative"] == "ignore"
    assert {one["item"] for one in told("recommend", model, "--user", "u1", "-k", N)["recommendations"]} == ignored


@pytest.mark.filterwarnings("default")
def test_reports_of_dislikes(signed: Path, tmp_path: Path) -> None:
    out, test = tmp_path / "page.html", tmp_path / "test.csv"
    model = tmp_path / "model.safetensors"
    assert run("fit", signed, *LIKES, "-o", model).exit_code == 0
    x = enthusiasts()
    test.write_text("user,item,rating\n" + "".join(f"u{u},i{np.flatnonzero(x[u] == 0)[0]},3\n" for u in range(U)))
    result = run("report", model, "--user", "u1", "--test", test, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert "and 18 dislikes that are only hidden" in out.read_text()
    result = run("evaluate", signed, *LIKES, "-m", "popularity")
    assert result.exit_code == 0, result.stderr
