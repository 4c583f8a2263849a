"""Blocks of users within the memory budget, progress bars, and results as Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, Self

import numpy as np

from ... import config
from ..._util.extras import require
from ..inputs.histories import Array

__all__ = ["Progress", "arrow_batch", "blocks", "progress"]

_MOST = 1024  # rows of a block: enough to keep the kernels busy, few enough that Ctrl-C is heard within a second


def blocks(n_rows: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive slices of ``n_rows`` rows, each within the memory budget (one row at the least)."""
    size = max(1, min(_MOST, config.memory_budget() // max(1, row_bytes)))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


class Progress(Protocol):
    """What is used of a bar of tqdm."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> object: ...

    def update(self, n: int = 1) -> object: ...

    def set_description(self, text: str) -> object: ...

    def set_postfix(self, **told: str) -> object: ...


def progress(total: int | None, show: bool, unit: str) -> Progress:
    """A progress bar on stderr; silent unless ``show``."""
    bar: Progress = require("tqdm", extra="models").tqdm(total=total, unit=unit, disable=not show)
    return bar


def arrow_batch(userids: Array, ids: Array, scores: Array, weights: Array) -> object:
    """Recommendations as one ``pyarrow.RecordBatch``: a row for each, padding left out."""
    pa = require("pyarrow", extra="models")
    rows, ranks = np.nonzero(ids >= 0)
    batch: object = pa.record_batch(
        {
            "userid": userids[rows],
            "itemid": ids[rows, ranks],
            "score": scores[rows, ranks],
            "weight": weights[rows, ranks],
            "rank": (ranks + 1).astype(np.int32),
        }
    )
    return batch
