"""Writes the first inputs of the fuzzer of files (csrc/fuzz/model.cpp): small models of every class that is served from
C, and indexes, each behind some bytes that steer. For a new estimator, or another format of files.

python tools/fuzz_seeds.py build/fuzz/corpus-model && make fuzz ARGS='--only model --seconds 600 --keep'
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("ATTNREC_ISA", "avx2")  # as tools/fuzz.py: 8-bit copies are of one kind of processor

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.sparse import csr_array

from attnrec import ItemIndex
from attnrec.models import (
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    SoftmaxRecommender,
)

STEERING = 32  # kSteering of csrc/fuzz/model.cpp
EACH = 4  # inputs of a file
USERS, ITEMS = 5, 6
SMALL = {"factors": 3, "epochs": 1}
R = np.random.default_rng(0)


def histories(kind: str) -> csr_array:
    """Of ratings, of ones, or of ones and dislikes."""
    mask = R.random((USERS, ITEMS)) < 0.4
    mask[0], mask[1] = False, True
    x = np.where(mask, R.integers(1, 6, mask.shape) if kind == "ratings" else 1, 0).astype(np.float32)
    return csr_array(np.where((x == 0) & (R.random(x.shape) < 0.4), -1, x) if kind == "signed" else x)


def models() -> list[tuple[Any, dict[str, object]]]:
    """Estimators, and what each is fitted with beside histories."""
    sides = {"item_features": R.integers(0, 3, (ITEMS, 3)), "user_features": R.integers(0, 3, (USERS, 2))}
    return [
        *((NeighbourAttention(features=kind), {}) for kind in ("auto", "raw", "binary")),
        *((KernelAttentionRecommender(based_on=what), {}) for what in ("users", "items", "both")),
        *((KernelAttentionRegressor(passes), {}) for passes in (1, 2)),
        (SoftmaxRecommender(**SMALL), {}),
        (SoftmaxRecommender(**SMALL), sides),
        (SoftmaxRecommender(**SMALL, user_representation="embedding"), {}),
        (SoftmaxRecommender(**SMALL, user_representation="embedding", normalize="all"), {}),
    ]


def indexes() -> list[ItemIndex]:
    few = R.integers(-3, 4, (13, 3)).astype(np.float32)
    many = R.integers(-3, 4, (960, 1)).astype(np.float32)  # enough for 8-bit copies
    return [ItemIndex(few), ItemIndex(few, ids=np.arange(13)[::-1] * 7), ItemIndex(many, precision="int8")]


def wider(path: Path) -> Path:
    """The same file with rows in int64."""
    with safe_open(path, framework="numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    out = path.with_suffix(".wide")
    rows = {name: x.astype(np.int64) for name, x in arrays.items() if name.endswith((".indptr", ".indices"))}
    save_file(arrays | rows, out, metadata=metadata)
    return out


def main(folder: Path) -> None:
    warnings.simplefilter("ignore", UserWarning)  # of dislikes, which are meant here
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        files = []
        for kind in ("ratings", "ones", "signed"):
            for model, more in models():
                if kind == "signed" and "negative" not in model.get_params():
                    continue
                path = Path(scratch) / f"{len(files)}"
                if kind != "ratings" and isinstance(model, NeighbourAttention):
                    model.set_params(feedback="implicit")
                model.fit(histories(kind), show_progress=False, **more).save(path)
                files.append(path)
        files += [wider(path) for path in files[::3]]
        for index in indexes():
            path = Path(scratch) / f"{len(files)}"
            index.save(path)
            files.append(path)
        for i, path in enumerate(files):
            for j in range(EACH):
                (folder / f"seed-{i:02d}-{j}").write_bytes(R.bytes(STEERING) + path.read_bytes())
            print(f"{path.stat().st_size:6d} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
