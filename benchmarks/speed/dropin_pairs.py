"""Calls of other libraries, each beside the same call on our kernels, for dropins.py. Times nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec import compat
from attnrec._util.extras import require
from attnrec.bench import _peers, _tasks
from attnrec.bench._forms import Form, Result
from benchmarks.quality import accuracy_data
from benchmarks.speed import training_steps

SHAPE, NNZ = (29_858, 40_981), 810_128
SMALL, SMALL_NNZ = (300, 500), 3000
FACTORS = 64
INSTALLED: set[str] = set()


@dataclass(frozen=True)
class Pair:
    """The ways that a library does it, and ours; ``flop`` counts a product and a sum as two."""

    name: str
    before: list[Form]
    after: Form
    flop: float


def implicit_pairs(threads: int, small: bool) -> Iterator[Pair]:
    """ALS after a few iterations, on Gowalla where it is, and what is asked of it every day."""
    require("implicit.cpu.topk", extra="compat")
    title, x = _interactions(small)
    model = _als(require("implicit.als", extra="compat"), threads)
    model.fit(x, show_progress=False)
    b, n = x.shape
    users = np.arange(b)

    def pair(name: str, rows: int, call: Callable[[], Any]) -> Pair:
        def before() -> Result:
            return _ranking(_switched("implicit", False, call))

        def after() -> Result:
            return _ranking(_switched("implicit", True, call))

        return Pair(
            f"implicit, ALS, {title}: {name}", _both_blas(before, threads), Form("attnrec", after), _flop(rows, n)
        )

    for k in (10, 20):
        yield pair(f"recommend, all {b:,} users, N={k}", b, lambda k=k: model.recommend(users, x, N=k))
    some = np.arange(0, b, max(1, b // 1000))
    theirs = x[some]
    yield pair(f"recommend, {len(some):,} users, N=10", len(some), lambda: model.recommend(some, theirs))
    yield pair("recommend, one user, N=10 (stays with implicit)", 1, lambda: model.recommend(some[0], theirs[0]))
    items = np.arange(min(2000, n))
    yield pair(f"similar_items, {len(items):,} items, N=10", len(items), lambda: model.similar_items(items))


def rectools_pairs(threads: int, small: bool) -> Iterator[Pair]:
    """``recommend`` of its models on MovieLens 100K where it is, and its ranker on factors of Gowalla's size."""
    models, rank = (require(f"rectools.models{part}", extra="rectools") for part in ("", ".rank"))
    als = require("implicit.als", extra="rectools")
    title, data, users, shape = _rectools_data(small)
    for name, model, width in (
        (f"ALS, {FACTORS} factors", models.ImplicitALSWrapperModel(_als(als, threads)), FACTORS),
        ("EASE", models.EASEModel(regularization=300.0, recommend_n_threads=threads), 0),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(data)

        def call(model: Any = model) -> Any:
            return model.recommend(users, data, k=10, filter_viewed=True)

        def before(call: Callable[[], Any] = call) -> Result:
            return _table(_switched("rectools", False, call))

        def after(call: Callable[[], Any] = call) -> Result:
            return _table(_switched("rectools", True, call))

        flop = _flop(shape[0], shape[1], width) if width else 2.0 * shape[2] * shape[1]
        forms = _both_blas(before, threads)
        yield Pair(f"RecTools, {name}, {title}: recommend, all users, k=10", forms, Form("attnrec", after), flop)
    title, x = _interactions(small)
    factors = _als(als, threads)
    factors.fit(x, show_progress=False)
    given = factors.user_factors, factors.item_factors
    some = np.arange(0, x.shape[0], max(1, x.shape[0] // 5000))
    hidden = x[some]
    for distance in ("dot", "cosine", "euclidean"):
        theirs_ranker = rank.ImplicitRanker(rank.Distance(distance), *given, num_threads=threads)
        our_ranker = compat.RecToolsRanker(distance, *given, num_threads=threads)

        def theirs(ranker: Any = theirs_ranker) -> Result:
            return _flat(_switched("rectools", False, lambda: ranker.rank(some, 10, hidden)))

        def ours(ranker: Any = our_ranker) -> Result:
            return _flat(ranker.rank(some, 10, hidden))

        name = f"RecTools, ranker, {title}, {distance}: {len(some):,} users, k=10"
        yield Pair(name, _both_blas(theirs, threads), Form("attnrec", ours), _flop(*hidden.shape))


def faiss_pairs(threads: int, small: bool) -> Iterator[Pair]:
    """An index that is searched again and again, in every way that FAISS has for it."""
    require("faiss", extra="bench")
    for b, n in ((512, 100_000), (10_000, 100_000), (1, 100_000)):
        task = _tasks.Task("faiss", "", "topk", b, n, k=10)
        task = _tasks.quick(task) if small else task
        data = _tasks.make_data(task)
        index = compat.IndexFlatIP(task.d)
        index.add(data.items)

        def after(index: Any = index, data: Any = data) -> Result:
            scores, ids = index.search(data.queries, 10)
            return {"ids": ids, "scores": scores}

        name = f"FAISS, IndexFlatIP: search, {task.b:,} of {task.n:,}, d={task.d}, k=10"
        yield Pair(name, list(_peers.faiss_forms(task, data, threads)), Form("attnrec", after), data.flop)


def torch_pairs(threads: int, small: bool) -> Iterator[Pair]:
    """Attention of the usual shapes, and with values wider than keys, for which torch has no fused kernel."""
    torch = require("torch", extra="bench")
    g = torch.Generator().manual_seed(0)
    theirs = torch.nn.functional.scaled_dot_product_attention
    for heads, rows, keys, d, m in (
        (1, 2048, 20_000, 64, 64),
        (8, 1024, 1024, 64, 64),
        (8, 512, 512, 64, 64),
        (64, 50, 50, 64, 64),
        (1, 1024, 20_000, 64, 1000),
        (4, 500, 1000, 64, 1000),
    ):
        if small:
            rows, keys, m = min(rows, 60), min(keys, 90), min(m, 70)
        x = [torch.randn(1, heads, *shape, generator=g) for shape in ((rows, d), (keys, d), (keys, m))]

        def attention(function: Any, x: Any = x) -> Callable[[], Result]:
            call: Callable[[], Result] = torch.inference_mode()(lambda: {"out": function(*x)})
            return call

        yield Pair(
            f"torch, attention: {heads} heads, {rows:,} x {keys:,}, d={d}, m={m}",
            [Form("torch", attention(theirs))],
            Form("attnrec", attention(compat.scaled_dot_product_attention)),
            2.0 * heads * rows * keys * (d + m),
        )


PAIRS: dict[str, Callable[[int, bool], Iterator[Pair]]] = {
    "implicit": implicit_pairs,
    "rectools": rectools_pairs,
    "faiss": faiss_pairs,
    "torch": torch_pairs,
}


def _switched(library: str, ours: bool, call: Callable[[], Any]) -> Any:
    """The call with our kernels in the library, or with its own; a change is part of the first call of a turn alone."""
    if ours != (library in INSTALLED):
        (compat.install if ours else compat.uninstall)(library)
        (INSTALLED.add if ours else INSTALLED.discard)(library)
    return call()


def _interactions(small: bool) -> tuple[str, sp.csr_matrix]:
    """Gowalla as LightGCN splits it, or something of its shape."""
    root = None if small else accuracy_data.folder()
    found = None if root is None else accuracy_data.gowalla(root)
    if found:
        return "Gowalla", sp.csr_matrix(found[0])
    shape, nnz = (SMALL, SMALL_NNZ) if small else (SHAPE, NNZ)
    return "simulated", sp.csr_matrix(training_steps.simulated(*shape, nnz))


def _als(als: Any, threads: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a BLAS with several threads
        return als.AlternatingLeastSquares(factors=FACTORS, iterations=3, num_threads=threads, random_state=0)


def _rectools_data(small: bool) -> tuple[str, Any, Any, tuple[int, int, int]]:
    """MovieLens 100K, or something small: title, RecTools' data set, users, and (users, items, interactions)."""
    pandas, dataset = require("pandas", extra="rectools"), require("rectools.dataset", extra="rectools")
    root = None if small else accuracy_data.folder()
    path = None if root is None else root / "movielens-100k" / "ratings.csv"
    if path is not None and accuracy_data.found(path):
        title, table = "MovieLens 100K", pandas.read_csv(path)
        table = table.rename(columns={"user": "user_id", "item": "item_id", "rating": "weight"})
    else:
        x = training_steps.simulated(*SMALL, SMALL_NNZ).tocoo()
        title, table = "simulated", pandas.DataFrame({"user_id": x.row, "item_id": x.col, "weight": 1.0})
    table["datetime"] = pandas.Timestamp("2000-01-01")
    data = dataset.Dataset.construct(table[["user_id", "item_id", "weight", "datetime"]])
    users = table["user_id"].unique()
    return title, data, users, (len(users), table["item_id"].nunique(), len(table))


def _both_blas(call: Callable[[], Result], threads: int) -> list[Form]:
    """Their blocks run in threads of their own, so that makers of implicit advise one thread for the BLAS."""
    forms = [Form("BLAS on one thread", call, blas_threads=1)]
    return forms if threads == 1 else [*forms, Form("BLAS on all threads", call)]


def _flop(rows: int, n: int, d: int = FACTORS) -> float:
    return 2.0 * rows * n * d


def _ranking(found: Any) -> Result:
    return {"ids": found[0], "scores": found[1]}


def _flat(found: Any) -> Result:
    subjects, ids, scores = map(np.asarray, found)
    return {"subjects": subjects, "ids": ids, "scores": scores}


def _table(frame: Any) -> Result:
    return _flat([frame[name].to_numpy() for name in ("user_id", "item_id", "score")])
