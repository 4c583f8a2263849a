"""attnrec.compat.install and installed: what implicit and RecTools give with them, and that all is put back."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec import compat
from attnrec.compat import patches
from beside import assert_same_rankings
from inputs import normal
from inputs import pattern as seen

B, N, D = 300, 700, 16


@pytest.fixture(autouse=True)
def _everything_is_put_back() -> Iterator[None]:
    yield
    for patch in patches._ALL.values():
        assert (patch.installed, patch.blocks, patch.found) == (False, 0, [])


@pytest.fixture
def base() -> Any:
    """The module whose search is replaced."""
    return pytest.importorskip(
        "implicit.cpu.matrix_factorization_base", reason="implicit is not installed: pip install 'attnrec[compat]'"
    )


@pytest.fixture
def als(base: Any) -> Any:
    """A model of implicit's with factors of its own."""
    r = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a BLAS that has several threads
        model = sys.modules["implicit"].als.AlternatingLeastSquares(factors=D, num_threads=2)
    model.user_factors, model.item_factors = normal(r, B, D), normal(r, N, D)
    model.item_factors[5] = 0
    return model


USER_ITEMS = sp.csr_matrix(seen(np.random.default_rng(1), B, N, 0.1))
USERS, SOME = np.arange(B), np.random.default_rng(2).permutation(N)[:150]
CALLS: dict[str, Callable[[Any], Any]] = {
    "recommend": lambda m: m.recommend(USERS, USER_ITEMS, N=10),
    "everything": lambda m: m.recommend(USERS, None, N=7, filter_already_liked_items=False),
    "filter-items": lambda m: m.recommend(USERS[::-1], USER_ITEMS[::-1], filter_items=SOME.tolist()),
    "items": lambda m: m.recommend(USERS, USER_ITEMS, N=20, items=SOME),
    "few-left": lambda m: m.recommend(USERS, USER_ITEMS, N=12, items=SOME[:12]),
    "all": lambda m: m.recommend(USERS, USER_ITEMS, N=N),
    "one-user": lambda m: m.recommend(3, USER_ITEMS[3]),
    "similar-items": lambda m: m.similar_items(np.arange(6, N), N=10),
    "similar-to-one": lambda m: m.similar_items(7, filter_items=[1, 2]),
    "similar-among": lambda m: m.similar_items(np.arange(6, 200), N=10, items=SOME),
    "similar-users": lambda m: m.similar_users(USERS, N=5),
}


@pytest.mark.parametrize("name", CALLS)
def test_implicit_recommends_the_same(name: str, als: Any) -> None:
    want_ids, want = CALLS[name](als)
    with compat.installed("implicit"):
        ids, scores = CALLS[name](als)
    assert (ids.dtype, scores.dtype, ids.shape) == (want_ids.dtype, want.dtype, want_ids.shape)
    assert_same_rankings(ids, scores, want_ids, want)


def test_large_calls_are_ours_and_small_or_double_ones_are_not(als: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(patches, "implicit_topk", lambda *a: asked.append(len(a[1])) or compat.implicit_topk(*a))
    with compat.installed("implicit"):
        for users in (USERS, USERS[:128], USERS[:127], 3):
            als.recommend(users, USER_ITEMS[users], N=3)
        als.user_factors = als.user_factors.astype(np.float64)
        als.item_factors = als.item_factors.astype(np.float64)
        als.recommend(USERS, USER_ITEMS, N=3)
    assert asked == [B, 128]


def test_a_fitted_model(base: Any) -> None:
    implicit = sys.modules["implicit"]
    model = implicit.bpr.BayesianPersonalizedRanking(factors=8, iterations=3, num_threads=1, random_state=0)
    model.fit(USER_ITEMS, show_progress=False)
    want = model.recommend(USERS, USER_ITEMS)
    with compat.installed("implicit"):
        got = model.recommend(USERS, USER_ITEMS)
    assert_same_rankings(*got, *want)


def test_blocks_within_blocks(base: Any) -> None:
    original = base.topk
    with compat.installed("implicit"):
        ours = base.topk
        assert ours is not original
        with compat.installed("implicit", "implicit"):
            assert base.topk is ours
        assert base.topk is ours
        compat.install("implicit")
    assert base.topk is ours
    compat.install("implicit")
    with compat.installed("implicit"):
        compat.uninstall("implicit")
        assert base.topk is ours
    assert base.topk is original
    compat.uninstall()
    compat.uninstall("implicit")
    assert base.topk is original


def test_exceptions_put_everything_back(base: Any) -> None:
    original = base.topk
    with pytest.raises(KeyError), compat.installed("implicit"):
        raise KeyError("inside")
    assert base.topk is original


def test_threads(base: Any) -> None:
    original, wrong = base.topk, []

    def work() -> None:
        for _ in range(200):
            with compat.installed("implicit"):
                if base.topk is original:
                    wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert base.topk is original


def test_other_versions_and_other_code_are_refused(base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = base.topk
    with monkeypatch.context() as other:
        other.setattr(sys.modules["implicit"], "__version__", "0.8.0")
        with pytest.raises(ImportError, match=r"implicit 0\.7\.x and found 0\.8\.0"):
            compat.install("implicit")
    for replaced in (lambda items, query: None, len):
        with monkeypatch.context() as other:
            other.setattr(base, "topk", replaced)
            with pytest.raises(ImportError, match="something else has replaced it"), compat.installed("implicit"):
                pass
    with monkeypatch.context() as other:
        other.delattr(base, "topk")
        with pytest.raises(ImportError, match=r"has no implicit\.cpu\.matrix_factorization_base\.topk"):
            compat.install("implicit")
    assert base.topk is original


def test_what_others_put_over_ours_stays(base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "topk", base.topk)  # puts the original back at the end
    compat.install("implicit")
    base.topk = other = len
    with pytest.warns(RuntimeWarning, match="was replaced by something else"):
        compat.uninstall("implicit")
    assert base.topk is other


def test_a_missing_library_leaves_the_others_alone(base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    original = base.topk
    for name in [name for name in sys.modules if name.partition(".")[0] == "rectools"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rectools", None)
    with pytest.raises(ImportError, match=r"rectools is needed.*pip install 'attnrec\[rectools\]'"):
        compat.install("implicit", "rectools")
    assert base.topk is original
    compat.uninstall("rectools")


@pytest.fixture
def ranker_class(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with what is replaced in RecTools, so that the replacement is tried where RecTools is not installed."""

    class ImplicitRanker:
        use_gpu, num_threads = False, 0

        def __init__(self, distance: str, subjects: Any, objects: Any) -> None:
            self.distance, self.subjects_factors, self.objects_factors = distance, subjects, objects

        def rank(
            self,
            subject_ids: Any,
            k: Any = None,
            filter_pairs_csr: Any = None,
            sorted_object_whitelist: Any = None,
        ) -> Any:
            return "theirs", subject_ids, k, filter_pairs_csr, sorted_object_whitelist

    modules = {
        name: ModuleType(name) for name in ("rectools", "rectools.version", "rectools.models", "rectools.models.rank")
    }
    modules["rectools.version"].VERSION = "0.19.1"  # type: ignore[attr-defined]
    modules["rectools.models.rank"].ImplicitRanker = ImplicitRanker  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return ImplicitRanker


def test_the_ranker_is_replaced(ranker_class: Any) -> None:
    r = np.random.default_rng(3)
    u, v = normal(r, 9, 4), normal(r, 20, 4)
    original = ranker_class.rank
    derived = type("Derived", (ranker_class,), {})
    hidden = sp.csr_matrix(seen(r, 2, 20, 0.4))
    with compat.installed("rectools"):
        assert ranker_class.rank is not original
        got = ranker_class("cosine", u, v).rank([4, 2], k=3, filter_pairs_csr=hidden)
        assert derived("dot", u, v).rank([1], 2)[0] == "theirs"  # it may compute something else
        on_gpu = ranker_class("dot", u, v)
        on_gpu.use_gpu = True
        assert on_gpu.rank([1], 2) == ("theirs", [1], 2, None, None)
    assert ranker_class.rank is original
    for mine, yours in zip(got, compat.RecToolsRanker("cosine", u, v).rank([4, 2], 3, hidden), strict=True):
        np.testing.assert_array_equal(mine, yours)


@pytest.mark.parametrize("kind", ["als", "svd", "ease", "als-features"])
@pytest.mark.filterwarnings("ignore")
def test_rectools_recommends_the_same(kind: str) -> None:
    models = pytest.importorskip("rectools.models", reason="rectools is not installed: pip install 'attnrec[rectools]'")
    import implicit.als
    import pandas as pd
    from rectools.dataset import Dataset

    x = seen(np.random.default_rng(4), 150, 220, 0.08).tocoo()
    table = pd.DataFrame(
        {"user_id": x.row, "item_id": 1000 + x.col, "weight": 1.0, "datetime": pd.Timestamp("2024-01-01")}
    )
    data = Dataset.construct(table)
    model = {
        "als": lambda: models.ImplicitALSWrapperModel(
            implicit.als.AlternatingLeastSquares(factors=8, iterations=3, random_state=0, num_threads=1)
        ),
        "als-features": lambda: models.ImplicitALSWrapperModel(
            implicit.als.AlternatingLeastSquares(factors=8, iterations=3, random_state=0, num_threads=1),
            fit_features_together=True,
        ),
        "svd": lambda: models.PureSVDModel(factors=8),
        "ease": lambda: models.EASEModel(regularization=50.0),
    }[kind]()
    model.fit(data)
    users, items = np.unique(x.row), 1000 + np.arange(0, 220, 3)
    original = sys.modules["rectools.models.rank"].ImplicitRanker.rank

    def answers() -> list[Any]:
        return [
            model.recommend(users, data, k=10, filter_viewed=True),
            model.recommend(users, data, k=10, filter_viewed=False),
            model.recommend(users, data, k=80, filter_viewed=True, items_to_recommend=items),
            model.recommend_to_items(items, data, k=5),
        ]

    want = answers()
    with compat.installed("rectools"):
        got = answers()
    for mine, yours in zip(got, want, strict=True):
        assert list(mine.columns) == list(yours.columns)
        assert (mine.dtypes == yours.dtypes).all()
        pd.testing.assert_frame_equal(mine, yours, rtol=1e-5, atol=1e-6)
    assert sys.modules["rectools.models.rank"].ImplicitRanker.rank is original


@pytest.mark.parametrize("call", [compat.install, compat.uninstall, compat.installed])
def test_unknown_names(call: Any) -> None:
    with contextlib.ExitStack() as stack, pytest.raises(ValueError, match="'lightfm' is none of 'implicit', 'rect"):
        stack.enter_context(call("lightfm") or contextlib.nullcontext())
