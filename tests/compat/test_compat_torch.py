"""attnrec.compat.softmax_cross_entropy beside torch's own loss: value, gradients, a training loop, what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec.compat import softmax_cross_entropy
from cases_train import targets as targets_of

if ar.backend() != "compiled":
    pytest.skip("holds the compiled kernels against torch", allow_module_level=True)
torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'attnrec[torch]'")
cross_entropy = torch.nn.functional.cross_entropy

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning")
SHAPES = [(1, 1, 1), (1, 40, 3), (7, 2, 16), (33, 257, 16), (64, 1000, 65), (300, 130, 8)]


def made(b: int, n: int, d: int, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Leaves that want gradients: queries, items, bias; and an id a row."""
    g = torch.Generator().manual_seed(seed)
    floats = [torch.randn(*shape, generator=g).requires_grad_() for shape in ((b, d), (n, d), (n,))]
    return *floats, torch.randint(0, n, (b,), generator=g)


def dense(y: Any, s: Any, weight: Any = None) -> Any:
    """The loss of weights of several targets a row, in torch."""
    w = y if weight is None else y * weight[:, None]
    return (w * (torch.logsumexp(s, 1, keepdim=True) - s)).sum() / w.sum()


def assert_same(got: Any, want: Any, leaves: list[Any], factor: float = 1.0, tolerance: float = 2e-6) -> None:
    """Values, and gradients by whichever leaves want them."""
    assert got.shape == ()
    assert got.item() == pytest.approx(want.item(), rel=1e-6, abs=1e-7)
    leaves = [x for x in leaves if x.requires_grad]
    ours = torch.autograd.grad(factor * got, leaves)
    theirs = torch.autograd.grad(factor * want, leaves)
    for x, mine, yours in zip(leaves, ours, theirs, strict=True):
        assert mine.dtype == x.dtype
        largest = yours.abs().max().item()
        assert (mine - yours).abs().max().item() <= tolerance * max(largest, 1e-3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_is_cross_entropy(shape: tuple[int, int, int], scale: float) -> None:
    q, v, bias, ids = made(*shape)
    assert_same(softmax_cross_entropy(q, v, ids, scale=scale), cross_entropy(scale * q @ v.T, ids), [q, v])
    with_bias = softmax_cross_entropy(q, v, ids, scale=scale, item_bias=bias)
    assert_same(with_bias, cross_entropy(scale * q @ v.T + bias, ids), [q, v, bias], factor=-2.5)


@pytest.mark.parametrize("ignored", [-100, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_ignored_rows_count_for_nothing(ignored: int, weighted: bool) -> None:
    q, v, bias, ids = made(40, 90, 8)
    ids[::3] = ignored
    with torch.no_grad():
        q[0] = float("nan")  # not even read
    weight = torch.rand(40, generator=torch.Generator().manual_seed(1)) if weighted else torch.ones(40)
    got = softmax_cross_entropy(
        q, v, ids, item_bias=bias, ignore_index=ignored, sample_weight=weight if weighted else None
    )
    keep = ids != ignored
    each = cross_entropy(q[keep] @ v.T + bias, ids[keep], reduction="none")
    assert_same(got, (each * weight[keep]).sum() / weight[keep].sum(), [q, v, bias])
    assert not torch.autograd.grad(softmax_cross_entropy(q, v, ids, ignore_index=ignored), q)[0][~keep].any()


@pytest.mark.parametrize("form", ["scipy", "torch", "torch-int32-bfloat16"])
def test_several_targets(form: str) -> None:
    q, v, bias, _ = made(30, 200, 12)
    y = targets_of(np.random.default_rng(2), 30, 200, 0.05)
    y.data = np.ceil(8 * y.data) / 8
    targets: Any = y
    if form != "scipy":
        integers, floats = (torch.int64, torch.float32) if form == "torch" else (torch.int32, torch.bfloat16)
        indptr, indices = torch.tensor(y.indptr, dtype=integers), torch.tensor(y.indices, dtype=integers)
        values = torch.tensor(y.data, dtype=floats)
        targets = torch.sparse_csr_tensor(indptr, indices, values, size=y.shape, check_invariants=True)
    weight = torch.rand(30, generator=torch.Generator().manual_seed(1))
    want = dense(torch.tensor(y.toarray()), 0.5 * q @ v.T + bias, weight)
    got = softmax_cross_entropy(q, v, targets, scale=0.5, item_bias=bias, sample_weight=weight)
    assert_same(got, want, [q, v, bias])


def test_options_are_those_of_the_operation() -> None:
    q, v, bias, _ = made(20, 60, 6)
    y = targets_of(np.random.default_rng(3), 20, 60, 0.1)
    options: dict[str, Any] = {"scale": 0.7, "normalize": "unseen", "lse_weight": 1.3, "eps": 1e-6}
    want = ar.softmax_cross_entropy(q.detach(), v.detach(), y, item_bias=bias.detach(), **options)
    loss = softmax_cross_entropy(q, v, y, item_bias=bias, num_threads=1, **options)
    loss.backward()
    assert loss.item() == pytest.approx(want.loss, rel=1e-7)
    for leaf, gradient in zip((q, v, bias), (want.d_queries, want.d_items, want.d_item_bias), strict=True):
        assert np.array_equal(leaf.grad, gradient)


@pytest.mark.parametrize("wanted", range(8))
def test_gradients_where_they_are_wanted(wanted: int) -> None:
    leaves = made(9, 30, 5)
    *x, ids = leaves
    for i, leaf in enumerate(x):
        leaf.requires_grad_(bool(wanted >> i & 1))
    q, v, bias = x
    got = softmax_cross_entropy(q, v, ids, item_bias=bias)
    assert got.requires_grad is bool(wanted)
    if wanted:
        assert_same(got, cross_entropy(q @ v.T + bias, ids), x)
    with torch.no_grad():
        assert not softmax_cross_entropy(q, v, ids, item_bias=bias).requires_grad
    with torch.inference_mode():
        assert softmax_cross_entropy(q, v, ids, item_bias=bias).item() == got.item()


@pytest.mark.parametrize(
    "view",
    [lambda x: x.T.contiguous().T, lambda x: torch.stack((x, x), 2)[:, :, 1], lambda x: x.flip(0), lambda x: x[:1]],
)
def test_any_strides(view: Callable[[Any], Any]) -> None:
    q, v, _, ids = made(12, 12, 7)
    a, b = view(q), view(v)
    targets = (ids % len(b))[: len(a)]
    assert_same(softmax_cross_entropy(a, b, targets), cross_entropy(a @ b.T, targets), [q, v])
    same_row = q[:1].expand(12, -1)
    assert_same(softmax_cross_entropy(same_row, v, ids), cross_entropy(same_row @ v.T, ids), [q, v])
    every_other = torch.stack((ids, -ids), 1)[:, 0]
    assert softmax_cross_entropy(q, v, every_other).item() == softmax_cross_entropy(q, v, ids).item()


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 2e-6), (torch.float16, 2e-3), (torch.bfloat16, 1e-2)], ids=str
)
def test_other_dtypes(dtype: Any, tolerance: float) -> None:
    q, v, _, ids = made(16, 50, 8)
    q, v = (x.detach().to(dtype).requires_grad_() for x in (q, v))
    got = softmax_cross_entropy(q, v, ids)
    assert got.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    want = cross_entropy(q.to(torch.float64) @ v.to(torch.float64).T, ids)
    assert_same(got, want, [q, v], tolerance=tolerance)


def test_a_scaled_loss_keeps_small_gradients() -> None:
    """The factor of a loss comes before its gradients are rounded to float16, where 1e-8 is 0."""
    q, v, _, ids = made(4096, 3, 2)
    q = (1e-3 * q.detach()).half().requires_grad_()
    (torch.finfo(torch.float16).max * softmax_cross_entropy(q, v.detach() * 1e-3, ids)).backward()
    assert q.grad.abs().min() > 0


@pytest.mark.parametrize("b", [0, 4])
def test_without_targets_it_is_zero(b: int) -> None:
    q, v, bias, _ = made(b, 30, 5)
    loss = softmax_cross_entropy(q, v, torch.full((b,), -100), item_bias=bias)
    loss.backward()
    assert loss.item() == 0
    assert [tuple(x.grad.shape) for x in (q, v, bias)] == [(b, 5), (30, 5), (30,)]
    assert not any(x.grad.any() for x in (q, v, bias))


def test_a_shared_tensor_gets_both_gradients() -> None:
    q, _, _, _ = made(15, 15, 4)
    ids = torch.arange(15)
    assert_same(softmax_cross_entropy(q, q, ids), cross_entropy(q @ q.T, ids), [q])


def train(loss: Callable[[Any, Any, Any], Any]) -> list[float]:
    """Losses of a tiny two-tower model over its steps: an encoder of features for users, a table of items."""
    g = torch.Generator().manual_seed(4)
    features, ids = torch.randn(300, 10, generator=g), torch.randint(0, 50, (300,), generator=g)
    torch.manual_seed(5)
    tower = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 8))
    table = torch.nn.Embedding(50, 8)
    optimiser = torch.optim.Adam([*tower.parameters(), *table.parameters()], lr=0.03)
    losses = []
    for step in range(60):
        rows = torch.arange(step % 3, 300, 3)
        optimiser.zero_grad()
        value = loss(tower(features[rows]), table.weight, ids[rows])
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


def test_training_two_towers() -> None:
    ours = train(softmax_cross_entropy)
    theirs = train(lambda q, v, ids: cross_entropy(q @ v.T, ids))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6)
    assert ours[-1] == pytest.approx(theirs[-1], rel=1e-2)
    assert ours[-1] < 0.7 * ours[0]


def test_there_is_no_second_derivative() -> None:
    q, v, _, ids = made(5, 9, 3)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(softmax_cross_entropy(q, v, ids), q, create_graph=True)
    loss = softmax_cross_entropy(q, v, ids)
    loss.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()


Q, V, _, IDS = made(4, 6, 3)
LEARNED = {"scale": torch.ones((), requires_grad=True), "eps": 0.1}
REFUSED: dict[str, tuple[type[Exception], str, tuple[Any, ...], dict[str, Any]]] = {
    "no-tensor": (TypeError, "queries is ndarray; give a dense torch tensor", (np.ones((4, 3)), V, IDS), {}),
    "integers": (TypeError, "items is torch.strided of torch.int64", (Q, V.detach().long(), IDS), {}),
    "complex": (TypeError, "queries is torch.strided of torch.complex64", (Q + 1j, V, IDS), {}),
    "sparse": (TypeError, "items is torch.sparse_coo", (Q, V.detach().to_sparse(), IDS), {"lse_weight": 0.5}),
    "device": (ValueError, "queries is on meta.*move it", (Q.detach().to("meta"), V, IDS), {}),
    "targets-device": (ValueError, "targets is on meta", (Q, V, IDS.to("meta")), {}),
    "sequences": (ValueError, r"queries has shape \(4, 3, 1\).*reshape\(-1, d\)", (Q[:, :, None], V, IDS), {}),
    "bias-shape": (ValueError, "item_bias has shape", (Q, V, IDS), {"item_bias": V}),
    "bias-length": (ValueError, "item_bias .*6 items", (Q, V, IDS), {"item_bias": torch.ones(5)}),
    "widths": (ValueError, r"queries \(4, 2\) and items \(6, 3\)", (Q[:, :2], V, IDS), {}),
    "ids-shape": (ValueError, "targets of shape", (Q, V, IDS[:3]), {}),
    "ids-range": (ValueError, "there are 6 items", (Q, V, IDS + 6), {}),
    "ids-negative": (ValueError, r"targets\[0\] is -1", (Q, V, -torch.ones(4).long()), {}),
    "ids-floats": (TypeError, "targets has dtype float32", (Q, V, IDS.float()), {}),
    "coo": (TypeError, "to_sparse_csr", (Q, V, torch.eye(4, 6).to_sparse()), {}),
    "csr-shape": (ValueError, "targets", (Q, V, sp.csr_array(np.eye(4, 5))), {}),
    "scale": (ValueError, "scale is not differentiated", (Q, V, IDS), LEARNED),
    "weights": (ValueError, "sample_weight", (Q, V, IDS), {"sample_weight": torch.ones(4, requires_grad=True)}),
    "weights-length": (ValueError, r"\(3,\) does not fit the 4", (Q, V, IDS), {"sample_weight": torch.ones(3)}),
    "weights-ignored": (
        ValueError,
        r"\(3,\) does not fit the 4",
        (Q, V, IDS),
        {"sample_weight": [1, 1, 1], "ignore_index": IDS[0].item()},
    ),
    "weights-negative": (ValueError, "0 or more", (Q, V, IDS), {"sample_weight": -torch.ones(4)}),
    "normalize": (ValueError, "normalize", (Q, V, IDS), {"normalize": "seen"}),
    "nan": (ValueError, "queries holds NaN", (Q * float("nan"), V, IDS), {"sample_weight": [1, 1, 1, 1]}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    error, words, args, options = REFUSED[name]
    with pytest.raises(error, match=words):
        softmax_cross_entropy(*args, **options)


def test_under_torch_compile() -> None:
    code = """
import warnings, torch
warnings.simplefilter("ignore")  # dynamo tells that it does not look into the extension
from attnrec.compat import softmax_cross_entropy
torch.manual_seed(0)
q, v, ids = torch.randn(5, 3, requires_grad=True), torch.randn(9, 3), torch.randint(0, 9, (5,))
def loss(q, v, ids):
    return softmax_cross_entropy(2 * q, v, ids) + 1
compiled = torch.compile(loss, backend="eager")
want, got = (torch.autograd.grad(f(q, v, ids), q)[0] for f in (loss, compiled))
assert want.any() and torch.equal(want, got)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
