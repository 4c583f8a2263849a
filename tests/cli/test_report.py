"""The page of ``attnrec report``: whole, without a network, and harmless whatever items are called."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import cli_runs
from attnrec import models
from attnrec.report import Measured, html_report
from attnrec.report._html import text
from attnrec.report._svg import bars
from cli_runs import fails, run, small, told
from estimators import ESTIMATORS, ITEMS, USERS, made
from pages import Page, harmless

folder = cli_runs.folder
HOSTILE = '<img src=x onerror="alert(1)">\x00 & \ud800"\'></svg></title><script>alert(2)</script>'


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.__name__)
def model(request: pytest.FixtureRequest) -> models.Recommender:
    return request.param().fit(made("explicit"), show_progress=False)


def name(item: int) -> str:
    return f"drink {item}"


def test_a_page_says_what_the_model_says(model: models.Recommender) -> None:
    read = harmless(html_report(model, [11, 0], N=4, names=name, user_names=lambda user: f"guest {user}"))
    assert {"guest 0", "guest 11"} <= set(read.text)
    assert "by " + type(model).__name__ in read.words
    assert f"{made('explicit').nnz:,} interactions of {USERS} users with {ITEMS} items" in read.words
    assert "Nothing was held out" in read.words
    for user in (0, 11):
        ids, scores, _ = model.recommend(user, N=4, return_weights=True)
        for rank, (item, score) in enumerate(zip(ids.tolist(), scores.tolist(), strict=True), start=1):
            assert f"{rank}. {name(item)}" in read.text
            why = model.explain(user, item, N=8)
            assert f"{score:.4g}" in read.words
            for line in why.text(name, lambda user: f"guest {user}").splitlines():
                assert line in read.words
            without = model.counterfactuals(user, item, N=8).text(name).splitlines()[1]
            assert without in read.words
        for item in made("explicit")[[user]].indices.tolist():
            assert any(text.strip() == name(item) for text in read.text)
    assert len(read.all("article")) == 8
    assert read.text.index("guest 11") < read.text.index("guest 0")  # as asked
    assert "for guest 11, guest 0" in read.words


def test_bars_are_as_long_as_their_numbers() -> None:
    rows = [("a", 0.5), ("b", -0.25), ("c", 0.125), ("d & e", 0.0)]
    read = Page(bars(rows, 1, "what"))
    drawn = read.all("rect")
    widths = [share(each, "width") for each in drawn]
    np.testing.assert_allclose(widths, [200 / 3, 100 / 3, 50 / 3, 0], atol=0.006)
    ends = [(share(each, "x"), w) for each, w in zip(drawn, widths, strict=True)]
    (zero,) = {share(line, "x1") for line in read.all("line")}
    assert ends[0][0] == ends[2][0] == zero
    assert ends[1][0] + ends[1][1] == pytest.approx(zero, abs=0.011)
    assert [each["class"] for each in drawn] == ["more", "less", "more", "more pale"]
    assert [t for t in read.text if re.fullmatch(r"[+-]\d\.\d+", t)] == ["+0.500", "-0.250", "+0.125", "+0.000"]
    assert "d & e" in read.text
    assert read.all("ul")[0]["aria-label"] == "what"
    assert all(x >= 0 and x + w <= 100 for x, w in ends)
    for empty in ([("a", 0.0)], [("a", -1.0)]):
        Page(bars(empty, 0, "what"))


def share(attributes: dict[str, str | None], name: str) -> float:
    return float((attributes[name] or "").removesuffix("%"))


def test_all_views_and_sources(model: models.Recommender) -> None:
    read = harmless(html_report(model, 0, N=1))
    why = model.explain(0, int(model.recommend(0, N=1)[0][0]), N=8)
    pictures = [each for each in read.all("ul") if each["class"] == "bars"]
    assert len(pictures) == len(why.views()) + (why.sources is not None)
    assert all(source in read.text for source in why.sources or {})


def test_nobody_has_everything_and_nothing(model: models.Recommender) -> None:
    assert "There is no history" in Page(html_report(model, 3)).words
    all_of_it = models.NeighbourAttention().fit(csr_array([[1, 1], [1, 0]]))
    assert "Nothing is left to recommend" in Page(html_report(all_of_it, 0)).words
    assert "for nobody" in Page(html_report(model, [])).words
    with pytest.raises(ValueError, match=f"userids {USERS} is not one of"):
        html_report(model, USERS)
    with pytest.raises(ValueError, match="N=0"):
        html_report(model, 0, N=0)


def test_figures_and_parameters() -> None:
    model = models.NeighbourAttention(temperature=0.5).fit(made("explicit"))
    rows = [("It", {"ndcg@10": (0.25, 0.2, 0.3), "coverage": (0.5, None, None)}), ("<other>", {"ndcg@10": (0.1, 0, 1)})]
    page = html_report(model, 0, measured=Measured("12 < 13 were held out.", rows, ["mind & body"]))
    read = harmless(page)
    for said in ("12 < 13 were held out.", "mind & body", "<other>", "0.2500 [0.2000, 0.3000]", "0.5000", "coverage"):
        assert said in read.words
    assert "Nothing was held out" not in read.words
    assert '<li class="set">temperature = 0.5</li>' in page
    assert '<li class="usual">damping = 0.02</li>' in page


def test_a_hostile_name_is_text(model: models.Recommender) -> None:
    read = harmless(html_report(model, 0, names=lambda item: HOSTILE, user_names=lambda user: HOSTILE))
    page = html_report(model, 0, names=lambda item: HOSTILE, user_names=lambda user: HOSTILE)
    page.encode("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\x00" not in page
    shown = HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert any(shown in each for each in read.text)


@given(st.text(st.characters(), max_size=60))
def test_any_text_comes_back_as_itself(value: str) -> None:
    escaped = text(value)
    assert not set(escaped) & set("<>\"'")
    escaped.encode("utf-8")
    barred = [c for c in value if ord(c) < 32 and c not in "\t\n\r"]
    if not barred and html.unescape(escaped) != value:
        assert re.search("[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\x0b\x0c]", value)


# The command.


def test_report_of_ratings_and_of_a_model(folder: Path) -> None:
    out = folder / "report.html"
    result = run("report", *small(folder), "--user", "ann", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"A report on 1 user written to {out}")
    first = harmless(out.read_text(encoding="utf-8"))
    assert "1. Black Tea" in first.text
    assert "Green Tea (1900)" in " ".join(first.text)
    assert "for user ann" in first.words
    assert "Nothing was held out" in first.words
    saved = folder / "model.safetensors"
    told("fit", *small(folder), "-o", saved)
    answer = told("report", saved, "--user", "ann", "--user", "bob", "-k", 2, "-o", out)
    assert answer["users"] == ["ann", "bob"]
    assert answer["measured"] == {}
    assert answer["bytes"] == out.stat().st_size
    assert "user bob" in harmless(out.read_text(encoding="utf-8")).text
    assert sorted(path.name for path in folder.iterdir()) == [
        "drinks.csv", "model.safetensors", "ratings.csv", "report.html",
    ]  # fmt: skip


def test_report_measures_on_a_file(folder: Path) -> None:
    """A model and the ratings it was fitted with have the same figures as evaluate --split pair."""
    test, saved, out = folder / "test.csv", folder / "model.safetensors", folder / "report.html"
    test.write_text("userId,movieId,rating\nann,3,5\nbob,4,1\n")
    told("fit", *small(folder), "-o", saved)
    evaluate = ["evaluate", folder / "ratings.csv", "--split", "pair", "--test", test, "-m", "NeighbourAttention"]
    want = {row["model"]: row for row in told(*evaluate)["models"]}
    for source in ([saved], small(folder)):
        got = told("report", *source, "--user", "ann", "--test", test, "-o", out)["measured"]
        assert set(got) == set(want) == {"NeighbourAttention", "popularity"}
        for label, figures in got.items():
            assert set(figures) == set(want[label]) - {"model", "intervals", "seconds", "notes"}
            for metric, (value, low, high) in figures.items():
                assert value == pytest.approx(want[label][metric], rel=1e-6)
                interval = want[label]["intervals"].get(metric)
                assert (low is high is None) if interval is None else [low, high] == pytest.approx(interval, rel=1e-6)
    words = harmless(out.read_text(encoding="utf-8")).words
    assert "2 interactions of 2 users held out. In brackets: 95 % intervals" in words
    assert "in train and in test" in fails(
        "report", saved, "--user", "ann", "--test", folder / "ratings.csv", "-o", out
    )


def test_report_measures_what_the_model_cannot_know(folder: Path) -> None:
    test, out = folder / "test.csv", folder / "report.html"
    test.write_text("userId,movieId,rating\nann,3,5\nbob,4,1\nzoe,1,4\nann,9,3\n")
    got = told("report", *small(folder), "--user", "ann", "--test", test, "-o", out)["measured"]
    assert "rmse" not in got["NeighbourAttention"]
    assert got["NeighbourAttention"]["hit rate@20"][0] == 1
    words = harmless(out.read_text(encoding="utf-8")).words
    assert "4 interactions of 3 users held out" in words
    assert "NeighbourAttention lacks 1 of 6 items" in words


def test_report_holds_out_a_share(folder: Path) -> None:
    out = folder / "report.html"
    got = told("report", *small(folder), "--user", "ann", "--test-fraction", 0.4, "-o", out)["measured"]
    want = told(
        "evaluate", folder / "ratings.csv", "--test-fraction", 0.4, "-m", "NeighbourAttention", "-k", "10,20"
    )["models"]  # fmt: skip
    for row in want:
        assert got[row["model"]]["ndcg@10"][0] == pytest.approx(row["ndcg@10"])
        assert got[row["model"]]["rmse"][0] == pytest.approx(row["rmse"], rel=1e-6)


def test_report_of_other_estimators(folder: Path) -> None:
    out = folder / "report.html"
    for spec in ("KernelAttentionRegressor", "KernelAttentionRecommender:based_on=both", "SoftmaxRecommender:epochs=2"):
        told("report", *small(folder), "--user", "ann", "-m", spec, "-o", out)
        assert spec.partition(":")[0] in harmless(out.read_text(encoding="utf-8")).words


def test_what_report_refuses(folder: Path) -> None:
    out, saved = folder / "report.html", folder / "model.safetensors"
    told("fit", *small(folder), "-o", saved)
    assert "name it report.html" in fails("report", *small(folder), "--user", "ann", "-o", folder / "report.pdf")
    assert "--user" in fails("report", *small(folder), "--user", "eve", "-o", out)
    assert "Missing option '--user'" in fails("report", *small(folder), "-o", out)
    assert "is fitted already" in fails("report", saved, "--user", "ann", "--test-fraction", 0.1, "-o", out)
    both = ["--test", folder / "ratings.csv", "--test-fraction", 0.1]
    assert "leave out --test-fraction" in fails("report", *small(folder), "--user", "ann", *both, "-o", out)
    assert "does not exist" in fails("report", *small(folder), "--user", "ann", "-o", folder / "none" / "r.html")
    assert not out.exists()
