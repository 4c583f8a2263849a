"""Pictures: that what is drawn are the numbers, under their names. Looks at matplotlib's objects, and saves none."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from attnrec import models, plots
from attnrec.explain import Explanation, Part
from attnrec.explain._bars import short
from estimators import ESTIMATORS, ITEMS, USERS, made
from pages import TITLES

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module", params=ESTIMATORS, ids=lambda e: e.__name__)
def model(request: pytest.FixtureRequest) -> models.Recommender:
    return request.param().fit(made("explicit"), show_progress=False)


def example() -> Explanation:
    history = Part.largest([4, 9, 1, 6, 2], [0.1, -0.4, 0.5, 0.05, -0.02], 4, background=0.25)
    neighbours = Part.largest([8, 2], [0.3, 0.18], 5, weights=[0.6, 0.1], values=[0.5, 1.8])
    return Explanation(3, 7, 3.98, 3.5, "the user's mean rating", history, neighbours)


def labels(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.get_ticklabels()]


def widths(ax: Any) -> list[float]:
    return [float(bar.get_width()) for bar in ax.patches]


# Bars.


def test_bars_are_the_contributions() -> None:
    ax = plots.contribution_bars(example(), {1: "Ran", 9: "Up", 7: "Heat"}, n=2)
    np.testing.assert_allclose(widths(ax), [0.5, -0.4, 0.13, 0.25])
    assert labels(ax.yaxis) == ["Ran", "Up", "3 others", "background"]
    assert ax.get_title(loc="left") == "Heat: 3.98"
    assert ax.get_xlabel() == "added to 3.5, the user's mean rating"
    assert [text.get_text() for text in ax.texts] == ["+0.500", "-0.400", "+0.130", "+0.250"]
    assert 3.5 + sum(widths(ax)) == pytest.approx(3.98)
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours[0][:3] == colours[2][:3] != colours[1][:3]
    assert [colour[3] for colour in colours] == [1, 1, 0.5, 0.5]
    top, bottom = ax.patches[0].get_y(), ax.patches[3].get_y()
    assert ax.transData.transform((0, top))[1] > ax.transData.transform((0, bottom))[1]


def test_bars_of_another_view() -> None:
    ax = example().plot(lambda u: f"viewer {u}", view="neighbours", item_names={7: "Heat"})
    assert labels(ax.yaxis) == ["viewer 8", "viewer 2"]
    np.testing.assert_allclose(widths(ax), [0.3, 0.18])
    assert ax.get_title(loc="left") == "Heat: 3.98"
    with pytest.raises(ValueError, match=r"view='features' is none that .* has: contributions, neighbours"):
        example().plot(view="features")


def test_bars_add_up_for_every_estimator(model: models.Recommender) -> None:
    for why in model.explain_many(0, [2, 7, 9]):
        for view in why.views():
            assert why.bias + sum(added for _, added in why.bars(view, n=3)) == pytest.approx(why.total, abs=1e-9)
            ax = why.plot(view=view, n=3)
            assert why.bias + sum(widths(ax)) == pytest.approx(why.total, abs=1e-6)


def test_bars_of_nothing_and_in_axes_given() -> None:
    _, given = pyplot.subplots()
    why = Explanation(-1, 0, 0.0, 0.0, "as every score does", Part.largest([], [], 3))
    assert why.plot(ax=given) is given
    assert widths(given) == []
    given.figure.draw_without_rendering()


def test_names_are_text() -> None:
    ax = example().plot({7: "a" * 99, 1: "$5 a day\nand more $"})
    ax.figure.draw_without_rendering()  # no mathematics, whose dollars would have to match
    assert labels(ax.yaxis)[0] == r"\$5 a day and more \$"
    assert re.fullmatch("a{30,60}\N{HORIZONTAL ELLIPSIS}: 3.98", ax.get_title(loc="left"))


@pytest.mark.filterwarnings("ignore:Glyph .* missing")  # of scripts that the font of matplotlib lacks
@pytest.mark.parametrize("kind", ["bars", "attention", "history", "map"])
@pytest.mark.parametrize("titles", [TITLES, ["\N{CJK UNIFIED IDEOGRAPH-5343}" * 60], ["W" * 99], ["x"]])
def test_labels_stay_in_the_picture(kind: str, titles: list[str]) -> None:
    model = models.KernelAttentionRegressor().fit(made("explicit"), show_progress=False)
    names = [titles[item % len(titles)] for item in range(ITEMS)]
    itemids = np.arange(10)
    if kind == "bars":
        ax = model.explain(0, 14, N=12).plot(names)
    elif kind == "attention":
        ax = plots.attention_heatmap(model, [0], itemids, names=names, user_names=lambda user: titles[0])
    elif kind == "history":
        ax = plots.history_heatmap(model, 0, itemids, names=names)
    else:
        ax = plots.feature_map(np.random.default_rng(0).normal(size=(ITEMS, 5)), names)
    ax.figure.draw_without_rendering()
    whole, inner = ax.figure.bbox, ax.get_window_extent()
    assert inner.width >= 0.4 * whole.width
    assert inner.height >= 0.15 * whole.height
    for box in [ax.get_tightbbox(), *(text.get_window_extent() for text in ax.texts)]:
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1
        assert whole.y0 <= box.y0
        assert box.y1 <= whole.y1


@given(st.text(st.characters(codec="utf-8"), max_size=500), st.integers(6, 14), st.integers(30, 300))
@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_labels_are_measured(text: str, size: int, room: int) -> None:
    cut, line = short(text, size, room).replace(r"\$", "$"), " ".join(text.split())
    width = matplotlib.textpath.text_to_path.get_text_width_height_descent
    font = matplotlib.font_manager.FontProperties(size=size)
    assert width(cut, font, ismath=False)[0] <= room or len(cut) <= 2
    if cut != line:
        assert cut.endswith("\N{HORIZONTAL ELLIPSIS}")
        assert line.startswith(cut[:-1])
        assert len(line) > 400 or width(line, font, ismath=False)[0] > room


# Heat maps.


def test_heatmap_shows_weights(model: models.Recommender) -> None:
    users, items = [4, 0, 9], [7, 2, 5, 11]
    ax = plots.attention_heatmap(model, users, items, names=[f"i{i}" for i in range(ITEMS)], user_names={4: "four"})
    drawn = np.asarray(ax.images[0].get_array())
    for row, user in enumerate(users):
        for column, item in enumerate(items):
            only = model.recommend(user, items=[item], N=1, filter_already_liked_items=False, return_weights=True)
            assert drawn[row, column] == pytest.approx(float(only[2][0]), rel=1e-5, abs=1e-7)
    assert labels(ax.xaxis) == ["i7", "i2", "i5", "i11"]
    assert labels(ax.yaxis) == ["four", "user 0", "user 9"]
    framed = {(round(p.get_y() + 0.42), round(p.get_x() + 0.44)) for p in ax.patches}
    has = made("explicit").toarray()[np.ix_(users, items)] > 0
    assert framed == {(row, column) for row, column in np.argwhere(has).tolist()}
    assert [text.get_text() for text in ax.texts][:2] == [f"{value:.0%}" for value in drawn.ravel()[:2]]


def test_heatmap_takes_what_gets_most_attention(model: models.Recommender) -> None:
    ax = plots.attention_heatmap(model, np.arange(USERS), N=6)
    drawn = np.asarray(ax.images[0].get_array()).sum(axis=0)
    assert drawn.shape == (6,)
    assert np.all(np.diff(drawn) <= 1e-4)
    assert not ax.texts  # too many cells to read
    rest = [int(text.split()[1]) for text in labels(ax.xaxis)]
    others = np.setdiff1d(np.arange(ITEMS), rest)
    more = np.asarray(plots.attention_heatmap(model, np.arange(USERS), others).images[0].get_array()).sum(axis=0)
    assert more.max() <= drawn.min() + 1e-4
    with pytest.raises(ValueError, match="at least one user and one of the 25 items"):
        plots.attention_heatmap(model, [0], [ITEMS])
    with pytest.raises(ValueError, match="at least one user"):
        plots.attention_heatmap(model, [0], [])


def test_history_heatmap_shows_contributions(model: models.Recommender) -> None:
    ax = plots.history_heatmap(model, 11, N=5, n_history=4)
    drawn = np.asarray(ax.images[0].get_array())
    items = [int(text.split()[1]) for text in labels(ax.xaxis)]
    history = [int(text.split()[1]) for text in labels(ax.yaxis)]
    assert items == model.recommend(11, N=5)[0].tolist()
    assert drawn.shape == (4, 5)
    sizes = {}
    for column, item in enumerate(items):
        parts = dict(model.explain(11, item, N=ITEMS).contributions)
        np.testing.assert_allclose(drawn[:, column], [parts[h] for h in history], rtol=1e-4, atol=1e-6)
        for h, added in parts.items():
            sizes[h] = sizes.get(h, 0) + abs(added)
    assert [sizes[h] for h in history] == pytest.approx(sorted(sizes.values(), reverse=True)[:4], rel=1e-4)
    low, high = ax.images[0].get_clim()
    assert low in (0, -high)
    with pytest.raises(ValueError, match="user 3 has no history"):
        plots.history_heatmap(model, 3)


# Maps.


def test_points_are_principal_components() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = np.random.default_rng(0).standard_normal((50, 7)) * np.arange(1, 8) + 5
    points, shares = plots.project(x)
    peer = decomposition.PCA(2, svd_solver="full").fit(x)
    np.testing.assert_allclose(shares, peer.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(np.abs(points), np.abs(peer.transform(x)), atol=1e-9)
    np.testing.assert_allclose(plots.project(csr_array(x))[0], points, atol=1e-12)
    np.testing.assert_allclose(plots.project(x[::-1])[0], points[::-1], atol=1e-9)  # signs do not turn
    np.testing.assert_allclose(plots.project(x - 100)[0], points, atol=1e-9)


def test_points_of_little() -> None:
    for x in (np.ones((3, 4)), np.zeros((1, 2))):
        points, shares = plots.project(x)
        assert (points.shape, shares.tolist()) == ((len(x), 2), [0, 0])
        assert not points.any()
    points, shares = plots.project([[1.0], [3.0]])
    assert (np.abs(points).tolist(), shares.tolist()) == ([[1, 0], [1, 0]], [1, 0])
    for wrong, says in (
        ([1, 2], "shape"),
        (np.zeros((0, 3)), "shape"),
        (np.zeros((4, 0)), "shape"),
        ([[np.nan, 1]], "NaN"),
    ):
        with pytest.raises(ValueError, match=says):
            plots.project(wrong)


def test_map_shows_the_items_that_somebody_has(model: models.Recommender) -> None:
    ax = plots.feature_map(model, [f"item number {i}" for i in range(ITEMS)])
    drawn = np.asarray(ax.collections[0].get_offsets())
    vectors = model.item_vectors[np.delete(np.arange(ITEMS), 7)]
    np.testing.assert_allclose(drawn, plots.project(vectors)[0], atol=1e-9)
    assert "% of the variance)" in ax.get_xlabel()
    said = {text.get_text(): text for text in ax.texts}
    assert said
    assert "item number 7" not in said
    where = dict(zip(np.delete(np.arange(ITEMS), 7).tolist(), drawn, strict=True))
    for name, text in said.items():
        np.testing.assert_allclose(text.xy, where[int(name.split()[2])])
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for at, a in enumerate(boxes) for b in boxes[:at])


def test_map_of_vectors_in_axes_given() -> None:
    _, given = pyplot.subplots()
    assert plots.feature_map(np.eye(4), ax=given) is given
    assert len(given.collections[0].get_offsets()) == 4
    assert not given.texts


def test_without_a_display_and_without_matplotlib(tmp_path: Path) -> None:
    code = "from attnrec import plots, explain\n"
    code += "why = explain.Explanation(0, 1, 1.0, 0.0, 'x', explain.Part.largest([2], [1.0], 3))\n"
    code += "try:\n    why.plot().figure.savefig('/dev/null', format='png')\nexcept ImportError as e:\n    print(e)"
    for hidden in ("", "import sys; sys.modules['matplotlib'] = None\n"):
        environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path), "MPLCONFIGDIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", hidden + code], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        want = "matplotlib is needed for this and is not installed: pip install 'attnrec[plot]'\n" if hidden else ""
        assert done.stdout == want
