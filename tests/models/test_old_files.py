"""Files that an earlier version wrote (tests/files/write.py): they open, and answer what they answered then."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnrec
from attnrec.models import ContentBridge, SoftmaxRecommender, load

FOLDER = Path(__file__).parents[1] / "files"


@pytest.fixture(scope="module")
def written() -> Any:
    """The script that wrote them."""
    spec = importlib.util.spec_from_file_location("write_files", FOLDER / "write.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return dict(json.loads((FOLDER / "answers.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("name", ["neighbours", "kernel_implicit", "kernel_explicit", "softmax", "encoder"])
def test_models(name: str, mmap: bool, written: Any, answers: dict[str, Any]) -> None:
    model = load(FOLDER / f"{name}.safetensors", mmap=mmap)
    assert model.user_ids[3] == "user 3"
    assert model.item_ids[2] == 2**60 + 14
    got = written.answers(model)
    assert got["ids"] == answers[name]["ids"]
    np.testing.assert_allclose(got["scores"], answers[name]["scores"], rtol=1e-5, atol=1e-6)


def test_every_estimator_is_there(written: Any) -> None:
    from estimators import ESTIMATORS

    assert {type(make()) for make in written.MODELS.values()} == set(ESTIMATORS)


def test_the_encoder_in_a_model(written: Any) -> None:
    model = load(FOLDER / "encoder.safetensors")
    want = written.encoder().fit_transform(written.table())
    new = {name: values[:3] for name, values in written.table().items()} | {"id": [1, 2, 3]}
    model.partial_fit_items(np.arange(model.n_items, model.n_items + 3), item_features=new)
    assert model.n_items == want.features.shape[0] + 3


def test_a_bridge(written: Any, answers: dict[str, Any]) -> None:
    bridge = ContentBridge.load(FOLDER / "bridge.safetensors")
    features = written.encoder().fit_transform(written.table())
    np.testing.assert_allclose(bridge.transform(features)[:8], answers["bridge"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mmap", [True, False])
def test_an_index(mmap: bool, answers: dict[str, Any]) -> None:
    index = attnrec.ItemIndex.open(FOLDER / "index.attnrec", mmap=mmap)
    vectors = np.random.default_rng(0).standard_normal((25, 4)).astype(np.float32)
    assert attnrec.topk(vectors, index, 3, weights=False).ids.tolist() == answers["index"]


def test_a_checkpoint_goes_on(written: Any, answers: dict[str, Any], tmp_path: Path) -> None:
    path, epochs = tmp_path / "checkpoint.safetensors", []
    shutil.copy(FOLDER / "checkpoint.safetensors", path)
    model = SoftmaxRecommender(**written.TRAINING).fit(
        written.interactions("implicit"),
        show_progress=False,
        callback=lambda epoch, seconds, loss: epochs.append(epoch),
        checkpoint=path,
    )
    assert epochs == [3, 4]
    got = written.answers(model)
    assert got["ids"] == answers["softmax"]["ids"]
    np.testing.assert_allclose(got["scores"], answers["softmax"]["scores"], rtol=1e-5, atol=1e-6)
