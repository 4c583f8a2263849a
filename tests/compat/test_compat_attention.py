"""attnrec.compat.scaled_dot_product_attention beside torch's own: results, who computes, gradients, errors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import attnrec as ar
from attnrec.compat import scaled_dot_product_attention, torch_attention

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'attnrec[torch]'")
theirs = torch.nn.functional.scaled_dot_product_attention


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of what our kernel was called with; it takes heads of any size here."""
    seen: list[tuple[int, ...]] = []
    attend = ar.ops.attend
    monkeypatch.setattr(torch_attention, "LEAST_WORK", 0)
    monkeypatch.setattr(torch_attention.ops, "attend", lambda q, *a, **o: seen.append(q.shape) or attend(q, *a, **o))
    return seen


def made(*shapes: tuple[int, ...], seed: int = 0, **options: Any) -> list[Any]:
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=g, **options) for shape in shapes]


def qkv(*heads: int, rows: int = 33, keys: int = 70, d: int = 16, m: int = 16) -> list[Any]:
    return made((*heads, rows, d), (*heads, keys, d), (*heads, keys, m))


@pytest.mark.parametrize("heads", [(), (1,), (3,), (2, 3), (2, 1, 2), (0,), (2, 0)], ids=str)
@pytest.mark.parametrize("m", [16, 1, 40])
@pytest.mark.parametrize("scale", [None, 0.7])
def test_is_torch_s(heads: tuple[int, ...], m: int, scale: float | None, calls: list[Any]) -> None:
    x = qkv(*heads, m=m)
    got = scaled_dot_product_attention(*x, scale=scale)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, theirs(*x, scale=scale), rtol=5e-6, atol=5e-6)
    assert len(calls) == torch.tensor(heads).prod().item()


def test_any_strides(calls: list[Any]) -> None:
    q, k, v = qkv(2, 3)
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)]
    shared = (q[:1].expand(2, -1, -1, -1), k.flip(0), v[..., ::2])
    for x in (turned, shared):
        torch.testing.assert_close(scaled_dot_product_attention(*x), theirs(*x), rtol=5e-6, atol=5e-6)
    assert len(calls) == 12
    torch.testing.assert_close(scaled_dot_product_attention(query=q, key=k, value=v), theirs(q, k, v))


def test_large_scores_do_not_overflow(calls: list[Any]) -> None:
    q, k, v = qkv(2)
    torch.testing.assert_close(scaled_dot_product_attention(60 * q, k, v), theirs(60 * q, k, v), rtol=1e-4, atol=1e-4)
    assert calls


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": torch.ones(33, 70, dtype=torch.bool).tril()},
        {"attn_mask": torch.zeros(33, 70)},
        {"is_causal": True},
        {"is_causal": True, "scale": 0.3},
    ],
    ids=["mask", "added", "causal", "causal-scaled"],
)
def test_what_is_torch_s_work_stays_the_same(options: dict[str, Any], calls: list[Any]) -> None:
    x = qkv(2, 3)
    assert torch.equal(scaled_dot_product_attention(*x, **options), theirs(*x, **options))
    assert not calls


def test_dropout_is_torch_s(calls: list[Any]) -> None:
    x = qkv(2)
    torch.manual_seed(1)
    want = theirs(*x, dropout_p=0.5)
    torch.manual_seed(1)
    assert torch.equal(scaled_dot_product_attention(*x, dropout_p=0.5), want)
    assert not calls


def test_other_dtypes_and_fewer_heads_are_torch_s(calls: list[Any]) -> None:
    x = qkv(2, 4)
    for dtype in (torch.float64, torch.bfloat16):
        y = [t.to(dtype) for t in x]
        assert torch.equal(scaled_dot_product_attention(*y), theirs(*y))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert scaled_dot_product_attention(*x).dtype == theirs(*x).dtype
    meta = [t.to("meta") for t in x]
    assert scaled_dot_product_attention(*meta).device.type == "meta"
    grouped = (x[0], x[1][:, :2], x[2][:, :2])
    assert torch.equal(scaled_dot_product_attention(*grouped, enable_gqa=True), theirs(*grouped, enable_gqa=True))
    assert not calls


def test_short_work_is_torch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("too short for this")

    monkeypatch.setattr(torch_attention.ops, "attend", refuse)
    x = qkv(4)
    assert torch.equal(scaled_dot_product_attention(*x), theirs(*x))
    with pytest.raises(AssertionError, match="too short"):
        scaled_dot_product_attention(*qkv(rows=4096, keys=16_384))


@pytest.mark.parametrize("which", range(3))
def test_gradients_are_torch_s(which: int, calls: list[Any]) -> None:
    x = qkv(2)
    x[which].requires_grad_()
    got, want = scaled_dot_product_attention(*x), theirs(*x)
    assert torch.equal(got, want)
    mine, yours = (torch.autograd.grad(out.square().sum(), x[which])[0] for out in (got, want))
    assert torch.equal(mine, yours)
    assert not calls
    with torch.no_grad():
        assert not scaled_dot_product_attention(*x).requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(scaled_dot_product_attention(*x), want.detach(), rtol=5e-6, atol=5e-6)
    assert len(calls) == 4


def test_errors_are_torch_s(calls: list[Any]) -> None:
    q, k, v = qkv(2)
    with pytest.raises(RuntimeError):
        scaled_dot_product_attention(q, k[..., :5], v)
    with pytest.raises(TypeError):
        scaled_dot_product_attention(q.numpy(), k, v)
    assert not calls


def test_transforms_and_compile() -> None:
    code = """
import warnings, torch
warnings.simplefilter("ignore")
from attnrec.compat import scaled_dot_product_attention as ours, torch_attention
theirs = torch.nn.functional.scaled_dot_product_attention
torch_attention.LEAST_WORK = 0
torch.manual_seed(0)
q, k, v = (torch.randn(2, 5, 8, 4) for _ in range(3))
want = theirs(q, k, v)
compiled = torch.compile(lambda *x: ours(*x) + 1, backend="eager")
assert torch.allclose(compiled(q, k, v), want + 1, atol=1e-5)
assert torch.allclose(torch.vmap(ours)(q, k, v), want, atol=1e-5)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
