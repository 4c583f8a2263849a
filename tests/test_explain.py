"""Explanation and Part: order, sums, tables and sentences."""

from __future__ import annotations

import numpy as np
import pytest

from attnrec.explain import Explanation, Part


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
    assert frame.columns == ["view", "part", "id", "weight", "value", "contribution"]
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
