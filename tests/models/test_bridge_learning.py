"""What ContentBridge learns by leaving items out: the error in closed form, its gradient, which modality says what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from test_content_bridge import OLD, VECTORS, WARM, WIDTH

import attnrec as ar
from attnrec.models import ContentBridge
from attnrec.models.bridge import bridge as content_bridge
from attnrec.models.bridge import tuning
from attnrec.models.bridge.tuning import LeaveOneOut
from attnrec.models.content import fusion

KEPT = np.delete(np.arange(WARM), 2)  # the third has no modality


def known() -> fusion.Content:
    whole = fusion.content("item_features", OLD, WARM, "items")
    return fusion.Content({name: block[KEPT] for name, block in whole.blocks.items()})


def test_the_error_is_that_of_leaving_out_each() -> None:
    temperature, regularization, weights = 0.3, 0.5, (0.75, 0.25)
    missed = 0.0
    for item in KEPT:
        some = [i for i in KEPT if i != item]
        bridge = ContentBridge(temperature, regularization, modality_weights={"genre": 0.75, "mood": 0.25})
        old = SimpleNamespace(features=OLD.features[some], modalities=OLD.modalities)
        bridge.fit(VECTORS[some], item_features=old, show_progress=False)
        one = SimpleNamespace(features=OLD.features[[item]], modalities=OLD.modalities)
        missed += float(((bridge.transform(one)[0] - VECTORS[item]).astype(np.float64) ** 2).sum())
    error, _ = LeaveOneOut(known(), VECTORS[KEPT])(np.log([*weights, temperature, regularization]))
    assert error == pytest.approx(missed / float((VECTORS[KEPT].astype(np.float64) ** 2).sum()), rel=1e-4)


@pytest.mark.parametrize("at", [(0.6, 0.4, 0.4, 1.0), (0.1, 2.0, 0.1, 0.05)])
def test_the_gradient(at: tuple[float, ...]) -> None:
    measured = LeaveOneOut(known(), VECTORS[KEPT])
    logs = np.log(at)
    _, gradient = measured(logs)
    for which in range(4):
        step = 1e-5 * np.eye(4)[which]
        slope = (measured(logs + step)[0] - measured(logs - step)[0]) / 2e-5
        assert gradient[which] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def told(n: int = 120, seed: int = 7) -> tuple[np.ndarray, SimpleNamespace]:
    """Vectors that follow from the genre but for noise, and a mood that says nothing."""
    r = np.random.default_rng(seed)
    genre, mood = r.integers(0, 6, n), r.integers(0, 6, n)
    vectors = r.standard_normal((6, WIDTH))[genre] + 0.3 * r.standard_normal((n, WIDTH))
    both = sp.csr_array(np.hstack([np.eye(6)[genre], np.eye(6)[mood]]).astype(np.float32))
    return vectors, SimpleNamespace(features=both, modalities={"genre": slice(0, 6), "mood": slice(6, 12)})


def test_a_weight_for_each_modality_is_learned() -> None:
    vectors, content = told()
    bridge = ContentBridge().fit(vectors[:90], item_features=_rows(content, slice(90)), tune=True, show_progress=False)
    assert bridge.modality_weights is not None
    assert bridge.modality_weights["genre"] > 0.9
    assert sum(bridge.modality_weights.values()) == pytest.approx(1)
    new = _rows(content, slice(90, None))
    plain = ContentBridge().fit(vectors[:90], item_features=_rows(content, slice(90)), show_progress=False)
    missed = [((b.transform(new) - vectors[90:]) ** 2).sum() for b in (bridge, plain)]
    assert missed[0] < 0.7 * missed[1]
    trials = bridge.tuning_
    assert trials is not None
    assert plain.tuning_ is None
    best = max(trials, key=lambda trial: float(trial["score"]))
    assert best["score"] > trials[0]["score"] + 0.04
    assert {name: best[name] for name in ("temperature", "regularization")} == pytest.approx(
        {"temperature": bridge.temperature, "regularization": bridge.regularization}
    )
    assert trials[0]["temperature"] == pytest.approx(0.4)
    again = ContentBridge(**bridge.get_params())
    again.fit(vectors[:90], item_features=_rows(content, slice(90)), show_progress=False)
    np.testing.assert_allclose(again.transform(new), bridge.transform(new), rtol=1e-5, atol=1e-6)


def _rows(content: SimpleNamespace, rows: Any) -> SimpleNamespace:
    return SimpleNamespace(features=content.features[rows], modalities=content.modalities)


def test_a_weight_of_0_stays_0_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, content = told()
    monkeypatch.setattr(content_bridge, "_LEARNED_FROM", 60)
    found = []
    for seed in (0, 0, 1):
        with ar.thread_limit(1 + len(found)):
            bridge = ContentBridge(modality_weights={"genre": 1, "mood": 0}, random_state=seed)
            bridge.fit(vectors, item_features=content, tune=True, show_progress=False)
        found.append(bridge)
    assert found[0].modality_weights == {"genre": 1.0, "mood": 0.0}
    assert found[0].get_params() == found[1].get_params()
    assert found[0].temperature != found[2].temperature  # other items were drawn
    np.testing.assert_array_equal(found[0].transform(content), found[1].transform(content))


def test_what_can_not_be_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, content = told(30)
    bridge = ContentBridge()
    with pytest.raises(TypeError, match="tune=3 is not True or False: the bridge follows a gradient"):
        bridge.fit(vectors, item_features=content, tune=3, show_progress=False)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="random_state=-1"):
        ContentBridge(random_state=-1).fit(vectors, item_features=content, show_progress=False)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning.LeaveOneOut, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bridge.fit(vectors, item_features=content, tune=True, show_progress=False)
    assert bridge.get_params() == ContentBridge().get_params()


def test_vectors_of_zeros_and_a_single_item() -> None:
    for n, vectors in ((5, np.zeros((5, 2))), (1, np.ones((1, 2)))):
        bridge = ContentBridge().fit(vectors, item_features=np.eye(5)[:n], tune=True, show_progress=False)
        assert np.isfinite(bridge.transform(np.eye(5)[:n])).all()
