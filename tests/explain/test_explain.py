"""Explanation and Part: order, sums, tables and sentences."""

from __future__ import annotations

import numpy as np
import pytest

from attnrec.explain import Explanation, Part
from attnrec.explain.counterfactuals import Counterfactuals


def example() -> Explanation:
    history = Part.largest([4, 9, 1, 6], [0.1, -0.4, 0.4, 0.05], 2, background=0.25)
    neighbours = Part.largest([8, 2], [0.3, 0.1], 5, weights=[0.6, 0.1], values=[0.5, 1.0])
    return Explanation(3, 7, 3.9, 3.5, "the user's mean rating", history, neighbours)


def test_largest_by_size_then_lower_id() -> None:
    part = example().contributions
    assert list(part) == [(1, 0.4), (9, -0.4)]
    assert (len(part), part.count) == (2, 4)
    assert part.rest == pytest.approx(0.15)
    assert part.total == pytest.approx(0.4)
    assert part.weights is None
    empty = Part.largest([], [], 3)
    assert (empty.total, list(empty), empty.count) == (0.0, [], 0)


def test_top() -> None:
    assert example().top(1) == [(1, 0.4)]
    assert example().top() == [(1, 0.4), (9, -0.4)]
    assert list(example().views()) == ["contributions", "neighbours"]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_tables_add_up(backend: str) -> None:
    pytest.importorskip(backend)
    nw = pytest.importorskip("narwhals")
    native = example().to_frame(backend)
    assert type(native).__module__.startswith(backend)
    frame = nw.from_native(native, eager_only=True)
    assert frame.columns == ["view", "part", "id", "name", "weight", "value", "contribution"]
    assert frame.schema["id"] == nw.Int64
    for view in ("contributions", "neighbours"):
        rows = frame.filter(nw.col("view") == view)
        assert rows["contribution"].sum() == pytest.approx(3.9)
        assert rows["part"].to_list()[0] == "bias"
        assert rows["part"].to_list()[-2:] == ["rest", "background"]
    listed = frame.filter(nw.col("part") == "listed", nw.col("view") == "neighbours")
    assert listed["id"].to_list() == [8, 2]
    np.testing.assert_allclose(
        listed["weight"].to_numpy() * listed["value"].to_numpy(), listed["contribution"].to_numpy()
    )
    assert frame.filter(nw.col("part") != "listed")["id"].null_count() == 6


def with_content() -> Explanation:
    features = Part.largest([0, 2, 1], [0.5, -0.25, 0.125], 2, background=0.375)
    modalities = Part.largest([0, 1, 2], [0.25, 0.5, -0.125], 3, background=0.125)
    labels = {"features": ["genre=Noir", "genre=War", "year"], "modalities": ["interactions", "genre", "year"]}
    return Explanation(3, 7, 0.75, 0.0, "as every score does", Part.largest([4], [0.75], 2), features=features,
                       modalities=modalities, labels=labels)  # fmt: skip


def test_features_and_modalities_have_names() -> None:
    why = with_content()
    assert str(why).splitlines()[2:] == [
        "By feature: genre=Noir +0.5, year -0.25, 1 others +0.125, background +0.375.",
        "By modality: genre +0.5, interactions +0.25, year -0.125, background +0.125.",
    ]
    assert why.bars("modalities")[0] == ("genre", 0.5)
    assert why.bars("features", names={0: "noir"})[:2] == [("noir", 0.5), ("feature 2", -0.25)]
    assert why.shares() == pytest.approx({"genre": 4 / 7, "interactions": 2 / 7, "year": 1 / 7})
    with pytest.raises(ValueError, match="view='modalities' is none that this explanation has: contributions"):
        example().shares()
    frame = why.to_frame("pandas")
    named = frame.query("part == 'listed'")
    assert named.query("view == 'features'")["name"].tolist() == ["genre=Noir", "year"]
    assert named.query("view == 'contributions'")["name"].isna().all()
    for view in ("features", "modalities"):
        assert frame.query(f"view == '{view}'")["contribution"].sum() == pytest.approx(0.75)


def test_a_table_has_a_default_kind() -> None:
    pandas = pytest.importorskip("pandas")
    assert isinstance(example().to_frame(), pandas.DataFrame)
    with pytest.raises(ValueError, match=r"backend='csv' is not 'pandas', 'polars' or 'pyarrow'"):
        example().to_frame("csv")


def test_sentences() -> None:
    assert str(example()).splitlines() == [
        "Item 7 scores 3.9 for user 3. It starts at 3.5, the user's mean rating.",
        "From the user's history: item 1 +0.4, item 9 -0.4, 2 others +0.15, "
        "background (there without any shared history) +0.25.",
        "Seen by neighbours: user 8 +0.3 (weight 0.6), user 2 +0.1 (weight 0.1).",
    ]
    titles = {7: "Heat", 1: "Ran"}
    text = example().text(names=titles, user_names=lambda u: f"viewer {u * 10}", n=1)
    assert text.splitlines() == [
        "Heat scores 3.9 for viewer 30. It starts at 3.5, the user's mean rating.",
        "From the user's history: Ran +0.4, 3 others -0.25, background (there without any shared history) +0.25.",
        "Seen by neighbours: viewer 80 +0.3 (weight 0.6), 1 others +0.1.",
    ]
    assert example().text(names=[f"t{i}" for i in range(10)]).startswith("t7 scores")
    nobody = Explanation(-1, 0, 0.0, 0.0, "as every score does", Part.largest([], [], 3))
    assert str(nobody).splitlines() == [
        "Item 0 scores 0 for a new user. It starts at 0, as every score does.",
        "From the user's history: nothing.",
    ]


def tried() -> Counterfactuals:
    return Counterfactuals.of(3, 7, 4.0, 5, [9, 1, 4, 6], [3.5, 4.25, 4.0, 4.5], [12, 4, 5, 2], 6)


def test_counterfactuals_by_size_of_the_change_then_lower_id() -> None:
    assert list(tried()) == [(6, 4.5, 2), (9, 3.5, 12), (1, 4.25, 4), (4, 4.0, 5)]
    assert (len(tried()), tried().count) == (4, 6)


def test_counterfactuals_in_sentences() -> None:
    assert str(tried()).splitlines() == [
        "item 7 has rank 5 for user 3, with a score of 4.",
        "Without item 6 it would rise to rank 2 (4.5). Without item 9 it would fall to rank 12 (3.5). "
        "Without item 1 it would rise to rank 4 (4.25).",
    ]
    text = tried().text({7: "Heat", 6: "Ran", 9: "Up", 1: "Alien", 4: "M"}, user_names=lambda u: f"viewer {u}", n=9)
    assert text.startswith("Heat has rank 5 for viewer 3, with")
    assert text.endswith("Without M it would stay at rank 5 (4).")


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_counterfactuals_as_a_table(backend: str) -> None:
    pytest.importorskip(backend)
    nw = pytest.importorskip("narwhals")
    native = tried().to_frame(backend)
    assert type(native).__module__.startswith(backend)
    frame = nw.from_native(native, eager_only=True)
    assert frame.columns == ["itemid", "score", "rank", "score_change", "rank_change"]
    assert frame.rows()[:2] == [(6, 4.5, 2, 0.5, -3), (9, 3.5, 12, -0.5, 7)]
    nothing = Counterfactuals.of(-1, 7, 4.0, 5, [], [], [], 0).to_frame(backend)
    assert nw.from_native(nothing, eager_only=True).shape == (0, 5)


def test_largest_is_the_head_of_the_whole_order() -> None:
    rng = np.random.default_rng(0)
    ids, contributions = rng.permutation(60), rng.integers(-4, 5, 60) / 4
    whole = list(Part.largest(ids, contributions, 60))
    assert whole == sorted(zip(ids.tolist(), contributions.tolist(), strict=True), key=lambda p: (-abs(p[1]), p[0]))
    for n in (1, 7, 30, 59, 61):
        part = Part.largest(ids, contributions, n)
        assert list(part) == whole[:n]
        assert part.total == pytest.approx(contributions.sum(), abs=1e-12)
