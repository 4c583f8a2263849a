"""Report sections about the model: parameters, size, and measured metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ._html import element, table, text

__all__ = ["Measured", "metrics_section", "model_section"]


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


def model_section(model: Recommender[FittedState]) -> str:
    """The estimator, its size, and its parameters; those that differ from the defaults stand out."""
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
    params, usual = model.get_params(), type(model)().get_params()
    listed = "".join(
        element("li", f"{text(name)} = {text(value)}", class_="set" if value != usual[name] else "usual")
        for name, value in params.items()
    )
    return element(
        "section",
        element("h2", "The model")
        + element(
            "div",
            element("h3", text(type(model).__name__))
            + element("p", text(sizes))
            + element("h4", "Parameters; bold where they are not the defaults")
            + element("ul", listed, class_="facts"),
            class_="card",
        ),
    )


def metrics_section(measured: Measured | None) -> str:
    """The figures as a table, or that there are none."""
    if measured is None:
        inner = element(
            "p",
            "Nothing was held out, so that this page has no metrics of the recommendations. For metrics, give "
            "interactions that the model was not fitted with.",
        )
    else:
        names = list(dict.fromkeys(name for _, figures in measured.rows for name in figures))
        heads = [("metric", ""), *((label, "n") for label, _ in measured.rows)]
        rows = [[text(name), *(_figure(figures.get(name)) for _, figures in measured.rows)] for name in names]
        notes = "".join(element("p", text(note), class_="soft") for note in measured.notes)
        inner = element("p", text(measured.what)) + table(heads, rows) + notes
    return element("section", element("h2", "How well it does") + element("div", inner, class_="card"))


def _figure(figure: tuple[float, float | None, float | None] | None) -> str:
    if figure is None:
        return "-"
    value, low, high = figure
    interval = "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
    return f"{value:.4f}{element('span', interval, class_='soft') if interval else ''}"


def _size(nbytes: Any) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes >= 1e5 else f"{nbytes / 1e3:.1f} kB"
