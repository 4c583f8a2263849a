"""A step of training two tables of embeddings on the softmax over all items, by attnrec and by torch. Times nothing.

Both do the same: loss and gradients of a batch of users, each with all its items as targets, then Adam on both whole
tables, where users outside the batch have gradients of 0. What does not change between steps is prepared before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import scipy.sparse as sp

import attnrec as ar
from attnrec._util.extras import require
from attnrec.bench._verify import TOLERANCE

Array = np.ndarray[Any, np.dtype[Any]]
RATE, CHUNK = 1e-3, 256


@dataclass(frozen=True)
class Batch:
    """Users (b,) and their rows of the interactions (b, n)."""

    users: Array
    targets: sp.csr_array


@dataclass(frozen=True)
class Trainer:
    """``step`` gives the loss; ``gradients`` and ``tables`` are (users, items), as the last step left them."""

    label: str
    step: Callable[[Batch], float]
    gradients: Callable[[], tuple[Array, Array]]
    tables: Callable[[], tuple[Array, Array]]


def simulated(n_users: int, n_items: int, nnz: int, seed: int = 0) -> sp.csr_array:
    """Interactions with skewed activity and popularity, each 1."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(0, dtype=np.int64)
    while len(drawn) < nnz:
        users, items = (n * rng.random(2 * nnz) ** skew for n, skew in ((n_users, 1.5), (n_items, 2.0)))
        drawn = np.union1d(drawn, users.astype(np.int64) * n_items + items.astype(np.int64))
    rows, columns = np.divmod(np.sort(rng.choice(drawn, nnz, replace=False)), n_items)
    return sp.csr_array((np.ones(nnz, np.float32), (rows, columns)), shape=(n_users, n_items))


def batches(interactions: sp.csr_array, size: int, seed: int = 0) -> Iterator[Batch]:
    """An epoch: all users in random order; the last batch may be smaller."""
    users = np.random.default_rng(seed).permutation(interactions.shape[0])
    yield from (Batch(users[i : i + size], interactions[users[i : i + size]]) for i in range(0, len(users), size))


def start(shape: tuple[int, int], d: int) -> tuple[Array, Array]:
    """Both tables as they are before the first step; larger than is usual, so that probabilities differ."""
    rng = np.random.default_rng(1)
    users, items = (rng.standard_normal((n, d), dtype=np.float32) / np.float32(d**0.25) for n in shape)
    return users, items


def state_bytes(shape: tuple[int, int], d: int) -> int:
    """Of the parameters and of what Adam keeps: two moments each."""
    return 3 * 4 * sum(shape) * d


def attnrec_trainer(shape: tuple[int, int], d: int, num_threads: int) -> Trainer:
    tables = start(shape, d)
    gradients, first, second = (tuple(np.zeros_like(x) for x in tables) for _ in range(3))
    steps = count(1)

    def step(batch: Batch) -> float:
        rows = np.empty((len(batch.users), d), np.float32)
        room = ar.CrossEntropy(0.0, rows, gradients[1], None)
        loss = ar.softmax_cross_entropy(
            tables[0][batch.users], tables[1], batch.targets, out=room, num_threads=num_threads
        ).loss
        gradients[0][:] = 0
        gradients[0][batch.users] = rows
        now = next(steps)
        for x, g, m, v in zip(tables, gradients, first, second, strict=True):
            ar.adam_step(x, g, m, v, now, learning_rate=RATE, num_threads=num_threads)
        return loss

    return Trainer("softmax_cross_entropy, adam_step", step, lambda: gradients, lambda: tables)


def torch_trainers(shape: tuple[int, int], d: int) -> Iterator[tuple[str, Callable[[], Trainer]]]:
    """Ways of torch, by label; each is made when it is wanted, since tables and moments take memory."""
    torch = require("torch", extra="bench")
    gathered, summed = (lambda: _gathered), (lambda: _summed(torch, _lse))

    def compiled() -> Callable[..., Any]:
        return _summed(torch, torch.compile(_lse, dynamic=False))

    for label, loss, chunk, adam in (
        ("targets gathered from scores, Adam foreach", gathered, None, "foreach"),
        ("targets gathered from scores", gathered, None, "fused"),
        ("sums of targets", summed, None, "fused"),
        (f"sums of targets, {CHUNK} users at a time", summed, CHUNK, "fused"),
        ("sums of targets, compiled", compiled, None, "fused"),
        (f"sums of targets, compiled, {CHUNK} users at a time", compiled, CHUNK, "fused"),
    ):
        yield label, partial(_torch, torch, label, shape, d, loss, chunk, adam)


def _lse(queries: Any, items: Any) -> Any:
    return (queries @ items.T).logsumexp(1)


def _gathered(queries: Any, items: Any, rows: Any, columns: Any, counts: Any) -> Any:
    """The loss, times the number of targets: scores of targets are picked out of all."""
    scores = queries @ items.T
    return (counts * scores.logsumexp(1)).sum() - scores[rows, columns].sum()


def _summed(torch: Any, lse: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The same with q (v_1 + v_2 + ...) for the targets, whose gradient is not as large as the scores."""

    def loss(queries: Any, items: Any, rows: Any, columns: Any, counts: Any) -> Any:
        firsts = torch.cumsum(counts, 0).long() - counts.long()
        sums = torch.nn.functional.embedding_bag(columns, items, firsts, mode="sum")
        return (counts * lse(queries, items)).sum() - (queries * sums).sum()

    return loss


def _torch(
    torch: Any, label: str, shape: tuple[int, int], d: int, made: Callable[[], Any], chunk: int | None, adam: str
) -> Trainer:
    loss = made()
    users, items = (torch.from_numpy(x).requires_grad_() for x in start(shape, d))
    optimiser = torch.optim.Adam([users, items], lr=RATE, **{adam: True})
    prepared: dict[int, tuple[Any, list[Any]]] = {}

    def prepare(batch: Batch) -> tuple[Any, list[Any]]:
        parts = []
        size = chunk or len(batch.users)
        for first in range(0, len(batch.users), size):
            y = sp.coo_array(batch.targets[first : first + size])
            counts = np.diff(batch.targets.indptr[first : first + size + 1]).astype(np.float32)
            ids = torch.from_numpy(batch.users[first : first + size])
            parts.append((ids, *(torch.from_numpy(x.astype(np.int64)) for x in y.coords), torch.from_numpy(counts)))
        return batch, parts  # the batch too, so that its id is not another's

    def step(batch: Batch) -> float:
        if id(batch) not in prepared:
            prepared[id(batch)] = prepare(batch)
        optimiser.zero_grad()
        total = 0.0
        for ids, rows, columns, counts in prepared[id(batch)][1]:
            value = loss(users[ids], items, rows, columns, counts) / batch.targets.nnz
            value.backward()
            total += value.item()
        optimiser.step()
        return total

    def arrays(of: Callable[[Any], Any]) -> Callable[[], tuple[Array, Array]]:
        return lambda: (of(users).detach().numpy(), of(items).detach().numpy())

    return Trainer(label, step, arrays(lambda x: x.grad), arrays(lambda x: x))


def disagreement(theirs: Trainer, ours: Trainer, batch: Batch) -> str:
    """What differs after the first step of both: "" if losses and gradients agree, and Adam does the same with them."""
    losses = theirs.step(batch), ours.step(batch)
    if abs(losses[0] - losses[1]) > TOLERANCE * abs(losses[1]):
        return f"loss {losses[0]:.7g}, not {losses[1]:.7g}"
    shape, d = tuple(len(x) for x in ours.tables()), ours.tables()[0].shape[1]
    before = start((shape[0], shape[1]), d)
    for name, x, g, want, y in zip(
        ("users", "items"), theirs.tables(), theirs.gradients(), ours.gradients(), before, strict=True
    ):
        if np.abs(g - want).max() > TOLERANCE * np.abs(want).max():
            return f"gradients of {name} differ by {np.abs(g - want).max():.2g} of {np.abs(want).max():.2g}"
        ar.adam_step(y, g, np.zeros_like(y), np.zeros_like(y), 1, learning_rate=RATE)
        if np.abs(x - y).max() > 1e-2 * RATE:
            return f"{name} are {np.abs(x - y).max():.2g} apart after a step of {RATE}"
    return ""
