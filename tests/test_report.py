"""The page of ``attnrec report``: whole, without a network, and harmless whatever items are called."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
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
from cli_runs import DRINKS, RATINGS, fails, run, small, told
from estimators import ESTIMATORS, ITEMS, USERS, made

folder = cli_runs.folder
VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = '<img src=x onerror="alert(1)">\x00 & \ud800"\'></svg></title><script>alert(2)</script>'


class Page(HTMLParser):
    """Elements with their attributes, and the text; a tag that is not closed in its place is an error."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def harmless(page: str) -> Page:
    """It asks for nothing and runs nothing."""
    read = Page(page)
    assert "http://" not in page
    assert "https://" not in page
    names = {name for name, _ in read.elements}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "base", "form"}
    for _, attributes in read.elements:
        assert not any(name.startswith("on") or name in ("src", "href", "style") for name in attributes)
    assert not re.search(r"url\(|@import", page)
    policy = [each["content"] for each in read.all("meta") if "content" in each and each.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    return read


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
    widths = [float(each["width"] or "nan") for each in drawn]
    np.testing.assert_allclose(widths[1:], [widths[0] / 2, widths[0] / 4, 0], atol=0.06)
    ends = [(float(each["x"] or "nan"), w) for each, w in zip(drawn, widths, strict=True)]
    zero = float(read.all("line")[0]["x1"] or "nan")
    assert ends[0][0] == ends[2][0] == zero
    assert ends[1][0] + ends[1][1] == pytest.approx(zero, abs=0.11)
    assert [each["class"] for each in drawn] == ["more", "less", "more", "more pale"]
    assert [t for t in read.text if re.fullmatch(r"[+-]\d\.\d+", t)] == ["+0.500", "-0.250", "+0.125", "+0.000"]
    assert "d & e" in read.text
    box = [float(x) for x in (read.all("svg")[0]["viewbox"] or "").split()]
    assert all(box[0] <= x and x + w <= box[2] for x, w in ends)
    for empty in ([("a", 0.0)], [("a", -1.0)]):
        Page(bars(empty, 0, "what"))


def test_all_views_and_sources(model: models.Recommender) -> None:
    read = harmless(html_report(model, 0, N=1))
    why = model.explain(0, int(model.recommend(0, N=1)[0][0]), N=8)
    assert len(read.all("svg")) == len(why.views()) + (why.sources is not None)
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
    for spec in ("KernelAttentionRegressor", "KernelAttentionRecommender:side=both", "SoftmaxRecommender:epochs=2"):
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


# In a browser.


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no browser: put chromium, chromium-browser or google-chrome on PATH to look at the page with it")
    return found


def seen(browser: str, folder: Path, page: Path, *options: str) -> str:
    sealed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    command = [browser, *sealed, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_browser_shows_it(browser: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("browser")
    (folder / "drinks.csv").write_text(DRINKS.replace("Black Tea", "<img src=x onerror=document.title='run'>"))
    (folder / "ratings.csv").write_text(RATINGS)
    out, picture = folder / "report.html", work / "report.png"
    told("report", *small(folder), "--user", "ann", "-o", out)
    shown = Page(seen(browser, work, out, "--dump-dom"))
    assert shown.all("img") == []
    assert "1. <img src=x onerror=document.title='run'>" in shown.text
    assert "Recommendations for user ann" in shown.text  # the title, which no script changed
    assert len(shown.all("svg")) == len(shown.all("article")) * 2
    seen(browser, work, out, f"--screenshot={picture}", "--window-size=1000,1400")
    image = pytest.importorskip("matplotlib.image").imread(picture)
    assert image.shape[:2] == (1400, 1000)
    blue = (image[..., 2] > 0.5) & (image[..., 0] < 0.2)  # bars
    assert blue.sum() > 2000
