"""The whole report page: one file without scripts, which loads nothing."""

from __future__ import annotations

from typing import Any

from .._util.validate import check_positive_int
from ..explain.explanation import Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ..models.inputs import checks
from ._model import Measured, figures, model_facts
from ._template import render
from ._user import user_facts

__all__ = ["Measured", "html_report"]


def html_report(
    model: Recommender[FittedState],
    userids: Any,
    *,
    N: int = 5,
    names: Names = None,
    user_names: Names = None,
    measured: Measured | None = None,
) -> str:
    """Write a page about a model, its recommendations to some users, and their explanations.

    It has the model with its parameters and its size, its figures if they were measured, and for each user the history
    and the recommendations: scores and weights, the contributions of history, modalities and features as bars and in
    sentences, and the scores without single items of the history.

    Parameters
    ----------
    model : estimator
        Fitted model.
    userids : int or (b,) array_like of int
        Users of the model, one section for each.
    N : int
        Number of recommendations for each user, at least 1.
    names : callable, mapping or sequence, optional
        Names of items by number; they may hold any text, which is escaped.
    user_names : callable, mapping or sequence, optional
        Names of users by number; they may hold any text, which is escaped.
    measured : Measured, optional
        Figures on held-out interactions; the page says that there are none if not given.

    Returns
    -------
    str
        One HTML document, to be written as UTF-8, with its styles and pictures; it has no scripts and loads nothing.

    Raises
    ------
    ValueError
        If a user is not one of the model.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import NeighbourAttention
    >>> from attnrec.report import html_report
    >>> user_items = csr_array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 1, 0]])
    >>> model = NeighbourAttention().fit(user_items, show_progress=False)
    >>> page = html_report(model, 0, names=["tea", "rum", "cocoa", "milk", "<b>"])
    >>> "1. cocoa" in page, "<b>" in page, "&lt;b&gt;" in page
    (True, False, True)
    """
    users, _ = checks.ids("userids", userids)
    checks.in_range("userids", users, model.n_users, "users", "add it with partial_fit_users")
    n = check_positive_int("N", N)
    once = list(dict.fromkeys(users.tolist()))
    whom = ", ".join(named(user, user_names, "user") for user in once[:3]) or "nobody"
    whom += f" and {len(once) - 3} more" if len(once) > 3 else ""
    return render(
        "page.html.j2",
        whom=whom,
        users=[user_facts(model, user, n, names, user_names) for user in once],
        figures=figures(measured),
        model=model_facts(model),
    )
