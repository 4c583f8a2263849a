"""Frames, popularity and the command line: what carries ids is joined by them there too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnrec.data import Interactions, popularity
from attnrec.models import NeighbourAttention, load
from attnrec.serving import FrameRecommender
from cli_runs import run
from named_data import DATA, ITEMS, PEOPLE, USERS, fitted, people, shuffled, some

MODEL = fitted("softmax")


def rows(frame: Any) -> list[list[Any]]:
    return sorted(frame.to_numpy().tolist())


@settings(max_examples=10)
@given(users=st.permutations(range(USERS)), items=st.permutations(range(ITEMS)))
def test_frames_by_interactions_in_any_order(users: list[int], items: list[int]) -> None:
    want = FrameRecommender(MODEL, DATA, fallback=popularity(DATA))
    turned = shuffled(DATA, users, items)
    got = FrameRecommender(MODEL, turned, fallback=popularity(DATA))
    assert rows(got.recommend(k=4, with_states=True)) == rows(want.recommend(k=4, with_states=True))
    some_items = {"items_to_recommend": ["i3", "i8", "i1"], "k": 2}
    asked = ["u4", "new", "u11"]
    assert rows(got.recommend(asked, **some_items)) == rows(want.recommend(asked, **some_items))
    assert got.recommend(asked, **some_items)["user"].unique().tolist() == asked
    as_loved = FrameRecommender(MODEL, DATA, fallback=popularity(turned))
    assert rows(as_loved.recommend(["new"], 5)) == rows(want.recommend(["new"], 5))


def test_other_interactions_than_the_model_was_fitted_with() -> None:
    later = Interactions.from_arrays(
        ["zoe", "zoe", "u4", "u4", "amy"], ["i3", "unheard of", "i1", "i2", "i0"], [5, 4, 3, 1, 2]
    )
    with pytest.warns(
        UserWarning, match="1 interactions are left out, with 1 items that the model does not have, such as 'unh"
    ):
        front = FrameRecommender(MODEL, later)
    frame = front.recommend(k=ITEMS)
    assert set(frame["user"]) == {"zoe", "u4", "amy"}
    assert "i3" not in set(frame["item"][frame["user"] == "zoe"])
    fitted_one = frame[frame["user"] == "u4"]
    assert set(fitted_one["item"]) == set(DATA.items) - {"i1", "i2"}
    ids, scores = MODEL.recommend(
        DATA.users.position("u4"), front.interactions.user_items[[later.users.position("u4")]], N=ITEMS - 2
    )
    assert fitted_one["item"].tolist() == DATA.items.names(ids).tolist()
    np.testing.assert_array_equal(fitted_one["score"], scores)
    alone = Interactions.from_arrays(["zoe"], ["i3"], [5])
    np.testing.assert_array_equal(
        frame[frame["user"] == "zoe"]["score"],
        MODEL.recommend(-1, alone, N=ITEMS - 1, recalculate_user=True)[1],
    )
    with pytest.raises(ValueError, match="users have no interactions: 'u5'"):
        front.recommend(["u5"])


def test_as_many_new_users_as_the_model_has() -> None:
    model = NeighbourAttention().fit(shuffled(DATA, range(4), range(ITEMS)))
    others = shuffled(DATA, range(4, 8), range(ITEMS))
    frame = FrameRecommender(model, others).recommend(k=3)
    want = [model.recommend(-1, others.user_items[[u]], N=3, recalculate_user=True)[1] for u in range(4)]
    np.testing.assert_array_equal(frame["score"].to_numpy().reshape(4, 3), want)


def test_frames_refuse_what_has_nothing_in_common() -> None:
    numbers = Interactions.from_sparse(DATA.user_items)
    with pytest.raises(ValueError, match=r"interactions: items: none of its ids .* str where those .* are int"):
        FrameRecommender(MODEL, numbers)
    with pytest.raises(ValueError, match=r"interactions: users: no id of these, such as 0 \(int\).*'u0' \(str\)"):
        FrameRecommender(MODEL, Interactions.from_sparse(DATA.user_items, None, DATA.items))
    with pytest.raises(ValueError, match="fallback: none of its ids is one of the items"):
        FrameRecommender(MODEL, DATA, fallback=popularity(numbers))
    ages = PEOPLE | {"who": list(range(USERS))}
    with pytest.raises(ValueError, match=r"user_features: no id of these, such as 0 \(int\).*'new' \(str\)"):
        FrameRecommender(MODEL, DATA).recommend(["new"], user_features=people().encoder.transform(some(ages, [0, 1])))


def test_popularity_of_other_items() -> None:
    part = Interactions.from_arrays(["a", "b", "b"], ["i3", "i3", "elsewhere"])
    with pytest.warns(
        UserWarning, match="fallback: 11 of 12 items have no row, .* are not recommended to users of whom"
    ):
        front = FrameRecommender(MODEL, DATA, fallback=popularity(part))
    assert front.recommend(["new"], 5)["item"].tolist() == ["i3"]
    shares = popularity(DATA)
    assert shares.items is DATA.items
    for made in (shares[::-1], shares * 2, np.sort(shares), shares.copy()):
        assert getattr(made, "items", None) is None
    assert isinstance(shares.sum(), float)


def test_items_without_an_id_are_not_in_frames() -> None:
    model = fitted("softmax").partial_fit_items([ITEMS], item_vectors=np.ones((1, 6), np.float32))
    frame = FrameRecommender(model, DATA).recommend(k=ITEMS + 1)
    assert set(frame["item"]) <= set(DATA.items)


def test_the_command_line_goes_by_the_ids_of_a_saved_model(tmp_path: Path) -> None:
    table = DATA.to_frame("pandas")
    table.to_csv(tmp_path / "ratings.csv", index=False)
    table.sample(frac=1, random_state=1)[["item", "rating", "user"]].to_csv(tmp_path / "turned.csv", index=False)
    model = tmp_path / "model.safetensors"
    assert run("fit", tmp_path / "ratings.csv", "-o", model).exit_code == 0
    assert list(load(model).user_ids) == list(DATA.users)
    NeighbourAttention().fit(DATA).save(tmp_path / "python.safetensors")
    said = [
        json.loads(run("recommend", path, "--user", "u4", "--json").stdout)
        for path in (model, tmp_path / "python.safetensors")
    ]
    assert [each["item"] for each in said[0]["recommendations"]] == [
        each["item"] for each in said[1]["recommendations"]
    ]
    measured = [
        json.loads(
            run("evaluate", tmp_path / name, "--model", model, "--json", "--split", "users", "--users", "3").stdout
        )
        for name in ("ratings.csv", "turned.csv")
    ]
    first, second = ({k: v for k, v in each["models"][0].items() if k not in ("seconds", "model")} for each in measured)
    assert first == second
    assert pd.read_csv(tmp_path / "turned.csv").columns.tolist() == ["item", "rating", "user"]
