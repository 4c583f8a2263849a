"""Models in several processes: one copy of a file that is mapped, and the same answers in children of those that use
them, made by fork as a server does that preloads its model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import random_array

import attnrec as ar
from attnrec.models import KernelAttentionRecommender, load
from estimators import ESTIMATORS, USERS, made
from served import SERVED, Service, saved
from sharing import pss

ITEMS = 2500
IN_PYTHON = """
from attnrec.models import load

model = load(sys.argv[1], mmap=sys.argv[2] == "mapped")
model.recommend(range(20))
"""
IN_C = """
import os
from pathlib import Path
from served import Service

folder = Path(sys.argv[2], str(os.getpid()))
folder.mkdir()
service = Service(folder)
model = service.open(sys.argv[1])
service.recommend(model.__enter__(), userids=range(20))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A model file of which nearly all is one matrix, and its size in MiB."""
    histories = random_array((60, ITEMS), density=0.02, rng=np.random.default_rng(0), format="csr", dtype=np.float32)
    path = tmp_path_factory.mktemp("large") / "model.safetensors"
    KernelAttentionRecommender(based_on="items").fit(histories, show_progress=False).save(path)
    return path, path.stat().st_size / 2**20


@pytest.mark.parametrize("way", ["python", "c"])
def test_several_processes_share_one_copy(way: str, large: tuple[Path, float], tmp_path: Path) -> None:
    if way == "c" and ar.backend() != "compiled":
        pytest.skip("there is no C interface without the compiled extension")
    path, size = large
    copies = pss(IN_PYTHON, path, "read", processes=4)
    each = (copies - 4 * size) / 4  # of a process besides
    script, how = (IN_PYTHON, "mapped") if way == "python" else (IN_C, str(tmp_path))
    four = pss(script, path, how, processes=4)
    assert copies - four > 2 * size, "four processes that read the file have a copy each"
    assert four < 1.1 * size + 4 * (each + 8), f"{four:.0f} MiB where one copy has {size:.0f}, and four {copies:.0f}"


def same_in_a_child(ask: Any) -> None:
    wanted = ask()
    child = os.fork()
    if child == 0:
        os._exit(0 if all(np.array_equal(a, b) for a, b in zip(ask(), wanted, strict=True)) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_forked_child_recommends(estimator: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    estimator().fit(made("explicit"), show_progress=False).save(path)
    model, new = load(path), made("explicit", seed=1)
    same_in_a_child(lambda: model.recommend(np.arange(USERS)))
    same_in_a_child(lambda: model.recommend(np.full(USERS, -1), new, recalculate_user=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("name", SERVED)
def test_a_forked_child_is_served_from_c(name: str, tmp_path: Path) -> None:
    if ar.backend() != "compiled":
        pytest.skip("there is no C interface without the compiled extension")
    service, (_, path, _) = Service(tmp_path), saved(name, "explicit", tmp_path)
    with service.open(path) as model:
        same_in_a_child(lambda: service.recommend(model, made("explicit", seed=1), num_threads=2))
