"""Names of modalities and of features where people read explanations: the command line, the report, and pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRegressor
from attnrec.report import html_report
from cli_runs import run, told
from estimators import ITEMS, made

FEATURES = FeatureEncoder(categories="genre", numbers="year").fit_transform(
    {"genre": [("Drama", "Noir <b>")[k % 2] for k in range(ITEMS)], "year": [1950 + 3 * k for k in range(ITEMS)]}
)


@pytest.fixture(scope="module")
def model() -> KernelAttentionRegressor:
    return KernelAttentionRegressor().fit(made("explicit"), item_features=FEATURES, show_progress=False)


def test_explain_on_the_command_line(model: KernelAttentionRegressor, tmp_path: Path) -> None:
    model.save(tmp_path / "model.safetensors")
    got = told("explain", tmp_path / "model.safetensors", "--user", 0, "--item", 3, "-n", 2)
    for view in ("modalities", "features"):
        whole = sum(one["contribution"] for one in got[view]["listed"]) + got[view]["rest"] + got[view]["background"]
        assert got["bias"] + whole == pytest.approx(got["score"])
    why = model.explain(0, 3)
    names = dict(zip(why.labels["modalities"], [0, 1, 2], strict=True))
    assert {one["name"]: pytest.approx(one["contribution"]) for one in got["modalities"]["listed"]} == {
        name: dict(why.modalities)[names[name]] for name in [label for label, _ in why.bars("modalities", n=2)][:2]
    }
    said = run("explain", tmp_path / "model.safetensors", "--user", 0, "--item", 3).stdout
    for words in ("By modality: ", "By feature: ", "The same by modality", "The same by feature", "Noir <b>", "year"):
        assert words in said


def test_a_report_shows_shares_of_modalities(model: KernelAttentionRegressor) -> None:
    page = html_report(model, [0])
    item = int(model.recommend(0, N=1)[0][0])
    shares = model.explain(0, item, N=8).shares()
    assert f"Shares of these by size: {', '.join(f'{name} {share:.0%}' for name, share in shares.items())}." in page
    assert "By modality" in page
    assert "genre=Noir &lt;b&gt;" in page
    assert "Noir <b>" not in page


def test_bars_have_names(model: KernelAttentionRegressor) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    why = model.explain(0, 3)
    for view, some in (("modalities", "genre"), ("features", "genre=Noir <b>")):
        ax = why.plot(view=view)
        assert some in [label.get_text() for label in ax.get_yticklabels()]
        assert ax.get_title(loc="left").startswith("item 3: ")
