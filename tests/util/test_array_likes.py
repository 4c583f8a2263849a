"""Arrays of other libraries, wherever ids or numbers go in: the same as NumPy's own, or an error that says why not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import attnrec as ar
from array_likes import BUFFERS, ELSEWHERE, FORMS, DLPack, Interface, Method, Unreadable
from attnrec import compat, metrics, models
from attnrec._util.arraylike import as_integers, as_numpy, native
from attnrec.data import Ids, Interactions, splits
from attnrec.data.factorize import encode, plain
from attnrec.features import FeatureEncoder
from attnrec.serving import FrameRecommender

USERS, ITEMS, RATINGS, TIMES = [11, 11, 12, 12], [5, 6, 5, 7], [1.0, 2.0, 3.0, 4.0], [4, 3, 2, 1]
V = np.random.default_rng(4).standard_normal((6, 4)).astype(np.float32)
DATA = Interactions.from_arrays(USERS, ITEMS, RATINGS, timestamps=TIMES)
MODEL = models.NeighbourAttention().fit(DATA, show_progress=False)
FEATURES = FeatureEncoder(numbers="year", id="film").fit_transform({"film": [5, 6, 7], "year": [1990, 1995, 2000]})
TEST = sp.csr_array(np.eye(2, 3))
Make = Callable[[Any], Any]


def appended(F: Make) -> Any:
    index = ar.ItemIndex(V, ids=np.arange(6) + 70)
    index.append(V[:2], ids=F(np.array([1, 2])))
    found = ar.topk(V[0], index, 3, items=F(np.array([70, 1, 2])), filter_items=F(np.array([2])))
    return index.ids, found.ids, index.searcher(k=2)(F(V[1]), exclude=F(np.array([71])))[0]


# What takes ids or numbers: a call with every array made by F.
CALLS: dict[str, Callable[[Make], Any]] = {
    "Ids": lambda F: list(Ids(F([12, 11]))),
    "positions": lambda F: DATA.users.positions(F([12, 11, 12])),
    "positions-ignore": lambda F: DATA.users.positions(F([12, 9]), unknown="ignore"),
    "positions-many": lambda F: DATA.users.positions(F([12] * 99)),
    "names": lambda F: DATA.users.names(F([1, 0])),
    "from_arrays": lambda F: parts(Interactions.from_arrays(F(USERS), F(ITEMS), F(RATINGS), timestamps=F(TIMES))),
    "from_sparse": lambda F: parts(Interactions.from_sparse(TEST, user_ids=F([8, 9]), item_ids=F([3, 2, 1]))),
    "select": lambda F: parts(DATA.select(F([0, 2]))),
    "temporal": lambda F: splits.leave_last_out(sp.csr_array(DATA.user_items), F(TIMES)),
    "frame": lambda F: frame(FrameRecommender(MODEL, DATA).recommend(F([12, 11]), 2, items_to_recommend=F([6, 7]))),
    "fallback": lambda F: frame(FrameRecommender(MODEL, DATA, fallback=F([1.0, 2.0, 3.0])).recommend(F([9, 11]), 2)),
    "align": lambda F: (FEATURES.align(F([7, 5])).matrix, list(FEATURES.align(F([7, 5])).ids)),
    "encoder": lambda F: FeatureEncoder(numbers="x", id="i").fit_transform({"i": F([3, 4]), "x": F([1.0, 2.0])}).matrix,
    "recommend": lambda F: MODEL.recommend(F([0, 1]), N=2, items=F([1, 2]), filter_items=F([1])),
    "predict": lambda F: MODEL.predict(F([0, 1]), F([1, 2])),
    "similar": lambda F: MODEL.similar_items(F([0, 1]), N=2),
    "explain_many": lambda F: [why.total for why in MODEL.explain_many(F([0, 1]), F([2, 1]))],
    "recall": lambda F: metrics.auc([[0, 1], [2, 1]], TEST, n_candidates=F([3, 3])),
    "rmse": lambda F: metrics.rmse(F([0.0, 1.0]), F([0.0, 3.0])),
    "interval": lambda F: metrics.confidence_interval(F([0.0, 1.0, 0.5]), weights=F([1.0, 2.0, 1.0])),
    "append": appended,
    "pairs": lambda F: ar.score_pairs(V, V, F([1, 2]), F([0, 3])),
    "loss": lambda F: ar.softmax_cross_entropy(V[:2], V, F([1, 2]), sample_weight=F([1.0, 2.0])).loss,
    "ranker": lambda F: compat.RecToolsRanker("dot", V[:3], V).rank(F([0, 2]), 2, sorted_object_whitelist=F([1, 3])),
    "implicit": lambda F: compat.implicit_topk(V, V[0], 2, item_norms=F(np.ones(6)), filter_items=F([1])),
}
# Those that take two axes, or none.
MORE: dict[str, Callable[[Make], Any]] = {
    "one-user": lambda F: frame(FrameRecommender(MODEL, DATA).recommend(F(11), 1)),
    "position": lambda F: DATA.users.position(F(12)),
    "in": lambda F: (F(12) in DATA.users, F(13) in DATA.users),
    "in-tuple": lambda F: ("guest", F(7)) in Ids([("guest", 7)]),
    "one-userid": lambda F: MODEL.recommend(F(0), N=1),
    "ids-in-a-list": lambda F: list(Ids([F(12), F(11)])),
    "ids-in-a-generator": lambda F: list(Ids(F(n) for n in (12, 11))),
    "positions-of-a-tuple": lambda F: DATA.users.positions((F(12), F(11))),
    "users-in-a-list": lambda F: frame(FrameRecommender(MODEL, DATA).recommend([F(12), F(11), F(12)], 1)),
    "arrays-of-lists": lambda F: parts(
        Interactions.from_arrays([F(n) for n in USERS], [F(n) for n in ITEMS], [F(n) for n in RATINGS])
    ),
    "times-in-a-list": lambda F: Interactions.from_arrays(USERS, ITEMS, timestamps=[F(n) for n in TIMES]).timestamps,
    "mixed": lambda F: list(Ids(["ann", F(11)])),
    "userids-in-a-list": lambda F: MODEL.recommend([F(0), F(1)], N=1),
    "mask": lambda F: MODEL.recommend([0, 1], N=1, items=F([True, False, True])),
    "topk-mask": lambda F: ar.topk(V, V, 2, items=F([True, False] * 3)).ids,
    "lists": lambda F: metrics.recall(F([[0, 1], [2, 1]]), TEST),
    "queries": lambda F: (ar.topk(F(V), F(V), 2).scores, ar.similarity(F(V), V), ar.ItemIndex(F(V)).features),
    "flat": lambda F: flat(F).search(F(V), 2),
    "vectors": lambda F: FeatureEncoder(vectors={"e": "e"}).fit_transform({"e": F(V)}).matrix,
    "bridge": lambda F: models.ContentBridge().fit(F(V), item_features=F(V), show_progress=False).transform(F(V)),
    "diversity": lambda F: metrics.intra_list_diversity([[0, 1]], similarity=F(np.eye(2))),
}


def flat(F: Make) -> compat.IndexFlatIP:
    index = compat.IndexFlatIP(4)
    index.add(F(V))
    return index


def parts(data: Interactions) -> Any:
    return data.user_items, list(data.users), list(data.items), data.timestamps


def frame(df: Any) -> Any:
    return df.to_dict("list")


def same(a: Any, b: Any) -> bool:
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if sp.issparse(a):
        return same((a.data, a.indices, a.indptr, a.shape), (b.data, b.indices, b.indptr, b.shape))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return bool(a == b) and type(a) is type(b)


@pytest.mark.parametrize("form", [*FORMS, *BUFFERS])
@pytest.mark.parametrize("call", CALLS)
def test_means_what_numpy_means(call: str, form: str) -> None:
    assert same(CALLS[call]({**FORMS, **BUFFERS}[form]), CALLS[call](np.array))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", MORE)
def test_any_number_of_axes(call: str, form: str) -> None:
    assert same(MORE[call](FORMS[form]), MORE[call](np.array))


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("call", {**CALLS, **MORE})
def test_on_another_device(call: str, where: str) -> None:
    with pytest.raises((ValueError, TypeError), match=r"computes on the CPU|GPU|CUDA"):
        {**CALLS, **MORE}[call](ELSEWHERE[where])


@pytest.mark.parametrize("call", ["Ids", "positions", "from_arrays", "frame", "align", "recommend", "append"])
def test_what_cannot_be_read_is_no_id(call: str) -> None:
    with pytest.raises(TypeError, match="requires grad"):
        {**CALLS, **MORE}[call](Unreadable)


@pytest.mark.parametrize("form", FORMS)
def test_repeats_are_seen(form: str) -> None:
    make = FORMS[form]
    with pytest.raises(ValueError, match="11 comes twice"):
        Ids(make([11, 12, 11]))
    with pytest.raises(ValueError, match="11 comes twice"):
        Ids([make(11), make(12), 11])
    assert Interactions.from_arrays(make(USERS), make(ITEMS)).n_users == 2
    names = Interactions.from_sparse(TEST, user_ids=make([8, 9])).users
    assert [type(name) for name in names] == [int, int]
    with pytest.raises(ValueError, match="unknown id 9;"):
        DATA.users.positions(make([9]))


@pytest.mark.parametrize("shape", [(2, 2), (4, 1), (1, 1, 4)])
def test_ids_have_one_axis(shape: tuple[int, ...]) -> None:
    ids = np.resize(np.array(USERS), shape)
    for x in (ids, *(make(ids) for make in FORMS.values())):
        for call in (Ids, DATA.users.positions, encode, FrameRecommender(MODEL, DATA).recommend, FEATURES.align):
            with pytest.raises(ValueError, match=rf"shape \({shape[0]}, {shape[1]}"):
                call(x)
        with pytest.raises(ValueError, match=r"users has shape"):
            Interactions.from_arrays(x, ITEMS)
        with pytest.raises(ValueError, match=r"shape|\(\d"):
            ar.ItemIndex(V[:4], ids=x)
    with pytest.raises(ValueError, match=r"from_arrays: users has shape \(4, 1\)"):
        Interactions.from_arrays(pd.DataFrame({"u": USERS}), ITEMS)


def test_one_id_is_no_list() -> None:
    for x in (np.array(11), DLPack(11), np.int64(11), 11):
        with pytest.raises((ValueError, TypeError), match=r"shape \(\)|list of ids"):
            Ids(x)
        with pytest.raises((ValueError, TypeError), match=r"shape \(\)|list of ids"):
            DATA.users.positions(x)
    with pytest.raises(TypeError, match="users is a set, which has no order"):
        Interactions.from_arrays({1, 2}, [1, 2])


def test_what_arrays_stand_for() -> None:
    assert plain(DLPack(7)) == 7
    assert type(plain(("a", Method(7)))[1]) is int
    pair = ("a", 1)
    assert plain(pair) is pair
    for value in (np.array([1, 2]), DLPack([1, 2])):
        with pytest.raises(TypeError, match=r"row 1.*hash"):
            encode(["a", value])
    coded = encode([Interface(3), None, Interface(np.nan), 3])
    assert (coded.codes.tolist(), coded.values.tolist()) == ([0, -1, -1, 0], [3])
    assert list(Ids({DLPack(3): 0}.keys())) == [3]
    assert list(Ids({DLPack(3)})) == [3]


def test_columns_of_frames_are_left_to_frames() -> None:
    for column in (pd.Series([1, None], dtype="Int64"), pd.Categorical([1, None]), pd.array([1, None])):
        assert native(column) is column
        coded = encode(column)
        assert (coded.codes.tolist(), coded.values.tolist()) == ([0, -1], [1])
        assert coded.values.dtype == np.int64


@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=5))
def test_integers_are_whole_or_refused(values: list[int]) -> None:
    """What is past int64 is never cut to something else, however NumPy types it."""
    fits = all(-(2**63) <= value < 2**63 for value in values)
    forms: list[Any] = [values, tuple(values), np.array(values, dtype=object)]
    if all(value >= 0 for value in values):
        forms.append(np.array(values, dtype=np.uint64))
    for form in forms:
        if fits:
            assert as_integers(form, "x").tolist() == values
        else:
            with pytest.raises(ValueError, match="past int64"):
                as_integers(form, "x")


@pytest.mark.parametrize("wrong", [[1.5], [1.0], ["1"], [None], [1j], [True, False], np.array(["2020"], "M8[D]")])
def test_other_things_are_no_integers(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"x has dtype .*; give integers"):
        as_integers(wrong, "x")


@given(st.lists(st.integers(0, 2**16 - 1), max_size=9))
def test_bfloat16_is_read_exactly(bits: list[int]) -> None:
    torch = pytest.importorskip("torch")
    wanted = np.left_shift(np.array(bits, np.uint32), np.uint32(16)).view(np.float32)
    tensor = torch.from_numpy(np.array(bits, np.uint16).view(np.int16)).view(torch.bfloat16)
    for x in (tensor, BareTensor(tensor), tensor.repeat_interleave(3)[::3]):
        assert as_numpy(x).tobytes() == wanted.tobytes()
    ml_dtypes = pytest.importorskip("ml_dtypes")
    assert as_numpy(np.array(bits, np.uint16).view(ml_dtypes.bfloat16)).tobytes() == wanted.tobytes()


class BareTensor:
    """A tensor of which only DLPack is to be seen."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __dlpack__(self, **options: Any) -> Any:
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.x.__dlpack_device__()


def test_bfloat16_wherever_numbers_go_in() -> None:
    torch = pytest.importorskip("torch")
    short = torch.from_numpy(V).to(torch.bfloat16)
    wide = short.float().numpy()
    for x in (short, BareTensor(short), short.T.contiguous().T, torch.nn.Parameter(short, requires_grad=False)):
        F = {True: x, False: wide}.__getitem__
        for call in (
            lambda x: ar.topk(x, x, 3).scores,
            lambda x: ar.topk(x, ar.ItemIndex(x), 3, precision="int8", weights=False).scores,
            lambda x: ar.attend(x, x, x),
            lambda x: ar.predict_ratings(x, as_numpy(x).T),
            lambda x: ar.topk(as_numpy(x)[0], x, 2, item_bias=[1.0] * 6).ids,
            lambda x: ar.ItemIndex(V).searcher(k=2)(as_numpy(x)[0])[1],
            lambda x: flat(lambda _: x).search(x, 2)[0],
            lambda x: models.ContentBridge().fit(x, item_features=x, show_progress=False).transform(x),
            lambda x: compat.RecToolsRanker("dot", x, x).rank([0], 2),
        ):
            assert same(call(F(True)), call(F(False)))
    ratings = torch.tensor(RATINGS, dtype=torch.bfloat16)
    assert Interactions.from_arrays(USERS, ITEMS, ratings).user_items.data.tolist() == DATA.user_items.data.tolist()
    assert as_numpy(torch.tensor(1.5, dtype=torch.bfloat16)).shape == ()
    assert as_numpy(torch.empty((0, 3), dtype=torch.bfloat16)).shape == (0, 3)
    assert ar.similarity([short[0], short[1]], short).tobytes() == ar.similarity(wide[:2], wide).tobytes()


def test_other_short_floats_say_so() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        for x in (torch.zeros((2, 4)).to(dtype), BareTensor(torch.zeros((2, 4)).to(dtype))):
            with pytest.raises(TypeError, match=r"queries can not be read as an array: .*(Float8|dtype)"):
                ar.topk(x, V)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with pytest.raises(TypeError, match="queries has dtype float8"):
        ar.topk(np.zeros((2, 4), ml_dtypes.float8_e4m3fn), V)


def test_tensors_that_want_a_gradient_or_are_elsewhere() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"topk: queries can not be read.*detach"):
        ar.topk(torch.ones((2, 4), requires_grad=True), V)
    with pytest.raises(TypeError, match=r"ratings can not be read.*detach"):
        Interactions.from_arrays(USERS, ITEMS, torch.ones(4, requires_grad=True))
    for x in (torch.empty(4, device="meta"), torch.ones(4).to_sparse()):
        with pytest.raises(TypeError, match="can not be read as an array"):
            Ids(x)


def test_nothing_is_said_of_what_is_right() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (*CALLS.values(), *MORE.values()):
            call(np.array)
