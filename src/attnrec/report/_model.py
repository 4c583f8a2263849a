"""What a model is, and how well it does where that was measured, as data for templates. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.base.recommender import Recommender
from ..models.base.state import FittedState

__all__ = ["Measured", "figures", "model_facts"]


@dataclass(frozen=True)
class Measured:
    """Figures of a model on interactions that it was not fitted with.

    Attributes
    ----------
    what : str
        Description of the interactions that were held out, in a sentence.
    rows : sequence of (name, figures)
        The model, and the models it is compared with: for each its figures by metric, as (value, low, high), where low
        and high are the limits of an interval or None.
    notes : sequence of str
        Further facts for the reader.
    """

    what: str
    rows: Sequence[tuple[str, Mapping[str, tuple[float, float | None, float | None]]]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Parameter:
    """A parameter of an estimator, and whether its value is not the default."""

    name: str
    value: object
    changed: bool


@dataclass(frozen=True)
class ModelFacts:
    """What the template ``model.html.j2`` shows of an estimator."""

    name: str
    sizes: str
    parameters: list[Parameter]


@dataclass(frozen=True)
class Cell:
    """A figure and the interval around it, as text; the interval may be empty."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class Figures:
    """What the template ``metrics.html.j2`` shows: a row for each metric, with a cell for each of ``labels``."""

    what: str
    labels: list[str]
    rows: list[tuple[str, list[Cell]]]
    notes: Sequence[str]


def model_facts(model: Recommender[FittedState]) -> ModelFacts:
    """The estimator, its size, and its parameters."""
    x = model.user_items
    scale = model.rating_range
    kind = "ranks; its scores are not ratings"
    if scale is not None:
        kind = f"predicts ratings, shown within {scale[0]:.6g} to {scale[1]:.6g}"
    hidden = f", and {model.disliked.nnz:,} dislikes that are only hidden" if model.disliked.nnz else ""
    dense = x.nnz / max(1, x.shape[0] * x.shape[1])
    sizes = (
        f"Fitted with {x.nnz:,} interactions of {x.shape[0]:,} users with {x.shape[1]:,} items "
        f"({dense:.2%} of all pairs){hidden}; it holds {_size(model.nbytes)}. It {kind}."
    )
    usual = type(model)().get_params()
    listed = [Parameter(name, value, value != usual[name]) for name, value in model.get_params().items()]
    return ModelFacts(type(model).__name__, sizes, listed)


def figures(measured: Measured | None) -> Figures | None:
    """The figures by metric, as text."""
    if measured is None:
        return None
    names = list(dict.fromkeys(name for _, found in measured.rows for name in found))
    rows = [(name, [_cell(found.get(name)) for _, found in measured.rows]) for name in names]
    return Figures(measured.what, [label for label, _ in measured.rows], rows, measured.notes)


def _cell(figure: tuple[float, float | None, float | None] | None) -> Cell:
    if figure is None:
        return Cell("-")
    value, low, high = figure
    return Cell(f"{value:.4f}", "" if low is None or high is None else f"[{low:.4f}, {high:.4f}]")


def _size(nbytes: Any) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1e5 else f"{nbytes / 1e3:.1f} kB"
