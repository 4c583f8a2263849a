"""Inputs that torch answers, through its drop-ins: the same answer, from our kernels or handed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attnrec import compat
from attnrec.compat import torch_attention

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'attnrec[torch]'")
NAN, INF = float("nan"), float("inf")

TENSORS: dict[str, Callable[[Any, Any, Any], tuple[Any, ...]]] = {
    "plain": lambda q, k, v: (q, k, v),
    "finite scores past 2^29": lambda q, k, v: (q * 1e5, k * 1e5, v),
    "scores past float32": lambda q, k, v: (q * 1e25, k * 1e25, v),
    "large values": lambda q, k, v: (q, k, v * 1e38),
    "NaN in a query": lambda q, k, v: (q.index_fill(1, torch.tensor([2]), NAN), k, v),
    "infinite key": lambda q, k, v: (q, k.index_fill(1, torch.tensor([2]), INF), v),
    "infinite value": lambda q, k, v: (q, k, v.index_fill(1, torch.tensor([2]), -INF)),
    "no keys": lambda q, k, v: (q, k[:, :0], v[:, :0]),
    "no queries": lambda q, k, v: (q[:, :0], k, v),
    "no width": lambda q, k, v: (q[..., :0], k[..., :0], v),
    "no values": lambda q, k, v: (q, k, v[..., :0]),
    "float64": lambda q, k, v: (q.double(), k.double(), v.double()),
    "float16": lambda q, k, v: (q.half(), k.half(), v.half()),
    "bfloat16": lambda q, k, v: (q.bfloat16(), k.bfloat16(), v.bfloat16()),
    "broadcast": lambda q, k, v: (q, k[:1], v[:1]),
    "infinite scale": lambda q, k, v: (q, k, v, None, 0.0, False, INF),
    "NaN for a scale": lambda q, k, v: (q, k, v, None, 0.0, False, NAN),
    "scale of 0": lambda q, k, v: (q, k, v, None, 0.0, False, 0.0),
    "negative scale": lambda q, k, v: (q, k, v, None, 0.0, False, -3.0),
    "mask": lambda q, k, v: (q, k, v, torch.ones(9, 12, dtype=torch.bool).tril()),
    "mask of all": lambda q, k, v: (q, k, v, torch.zeros(9, 12, dtype=torch.bool)),
}


@pytest.mark.parametrize("name", TENSORS)
def test_attention(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_attention, "LEAST_WORK", 0)
    g = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(3, rows, 4, generator=g) for rows in (9, 12, 12))
    args = TENSORS[name](q, k, v)
    want = torch.nn.functional.scaled_dot_product_attention(*args[:6], **({"scale": args[6]} if args[6:] else {}))
    got = compat.scaled_dot_product_attention(*args)
    assert got.dtype == want.dtype
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5, equal_nan=True)


LOSSES: dict[str, Callable[[Any, Any, Any], tuple[Any, ...]]] = {
    "plain": lambda q, v, t: (q, v, t),
    "ignored": lambda q, v, t: (q, v, t.masked_fill(t == t[0], -100)),
    "float64": lambda q, v, t: (q.double(), v.double(), t),
    "float16": lambda q, v, t: (q.half(), v.half(), t),
    "large logits": lambda q, v, t: (q * 1e10, v * 1e10, t),
    "NaN": lambda q, v, t: (q.index_fill(0, torch.tensor([2]), NAN), v, t),
    "infinite item": lambda q, v, t: (q, v.index_fill(0, torch.tensor([2]), INF), t),
    "one query": lambda q, v, t: (q[0], v, t[0]),
    "probabilities": lambda q, v, t: (q, v, torch.softmax(q @ v.T, 1).detach()),
    "learned probabilities": lambda q, v, t: (q, v, torch.softmax(q @ v.T, 1)),
    "uint8 targets": lambda q, v, t: (q, v, t.to(torch.uint8)),
    "meta": lambda q, v, t: (q.to("meta"), v.to("meta"), t.to("meta")),
    "sparse queries": lambda q, v, t: (q.detach().to_sparse(), v, t),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    g = torch.Generator().manual_seed(0)
    results = []
    for ours in (True, False):
        q, v = (torch.randn(n, 4, generator=g.manual_seed(n), requires_grad=True) for n in (6, 9))
        queries, items, targets = LOSSES[name](q, v, torch.arange(6) % 9)
        if ours:
            loss = compat.softmax_cross_entropy(queries, items, targets)
        else:
            loss = torch.nn.functional.cross_entropy(queries @ items.T, targets)
        if name != "meta":
            loss.backward()
        results.append((loss.detach(), q.grad, v.grad))
    (got, *grads), (want, *theirs) = results
    if want.device.type == "cpu":
        close = {"rtol": 1e-2, "atol": 2e-3} if want.dtype == torch.float16 else {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(got, want.to(got.dtype), equal_nan=True, **close)
        for mine, yours in zip(grads, theirs, strict=True):
            assert (mine is None) == (yours is None)
            if mine is not None:
                torch.testing.assert_close(mine, yours, equal_nan=True, **close)


def test_a_learned_scale_and_transforms() -> None:
    loss, theirs = compat.softmax_cross_entropy, torch.nn.functional.cross_entropy
    q, v, t = torch.randn(6, 4), torch.randn(9, 4), torch.arange(6)
    scale = torch.tensor(0.5, requires_grad=True)
    (mine,) = torch.autograd.grad(loss(q, v, t, scale=scale), scale)
    (yours,) = torch.autograd.grad(theirs(scale * (q @ v.T), t), scale)
    torch.testing.assert_close(mine, yours)
    batches = torch.stack([q, 2 * q])
    torch.testing.assert_close(
        torch.vmap(lambda x: loss(x, v, t))(batches), torch.stack([theirs(x @ v.T, t) for x in batches])
    )
    torch.testing.assert_close(
        torch.func.grad(lambda x: loss(x, v, t))(q), torch.func.grad(lambda x: theirs(x @ v.T, t))(q)
    )
