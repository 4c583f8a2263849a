"""The whole page: one file without scripts that asks nothing of a network. Fits and measures nothing."""

from __future__ import annotations

from typing import Any

from ..explain.explanation import Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ..models.inputs import checks
from ._html import element, text
from ._model import Measured, metrics_section, model_section
from ._style import STYLE
from ._user import user_section

__all__ = ["Measured", "html_report"]

_NOTE = (
    "A contribution tells how a score was computed: how much attention a thing got, times what it said. It is not what "
    "would happen without that thing; the sentences on the history say that, each computed again without one item. "
    "Background is what cannot be put down to any of the things that are listed and added up above it."
)


def html_report(
    model: Recommender[FittedState],
    userids: Any,
    *,
    N: int = 5,
    names: Names = None,
    user_names: Names = None,
    measured: Measured | None = None,
) -> str:
    """A page on a model and what it recommends to some users, and why.

    It holds the model with its parameters and its size, its figures where they were measured, and for each user the
    history and the recommendations: scores and weights, what the history, modalities and features add as bars, the
    same in sentences, and what would be without items of the history.

    Parameters
    ----------
    model : a fitted estimator
    userids : int or (b,) array_like of int
        Fitted users.
    N : int
        Recommendations for each.
    names, user_names : callable, mapping or sequence, optional
        Names of items and of users by number. They may be any text: it is shown as such.
    measured : Measured, optional
        Figures on interactions that were held out; without them the page says that there are none.

    Returns
    -------
    str
        One HTML document, to be written as UTF-8: styles and pictures are in it, it has no script, and nothing in it
        is fetched from elsewhere.

    Raises
    ------
    ValueError
        If a user is not a fitted one.

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
    n = checks.count("N", N)
    once = list(dict.fromkeys(users.tolist()))
    whom = ", ".join(named(user, user_names, "user") for user in once[:3]) or "nobody"
    whom += f" and {len(once) - 3} more" if len(once) > 3 else ""
    who = [user_section(model, user, n, names, user_names) for user in once]
    body = "\n".join(
        [
            element("h1", "Recommendations, and why"),
            element("p", text(f"by {type(model).__name__} for {whom}"), class_="soft"),
            *who,
            metrics_section(measured),
            model_section(model),
            element("footer", text(_NOTE)),
        ]
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Whatever slipped in could neither run nor be fetched.
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            element("title", text(f"Recommendations for {whom}")),
            element("style", STYLE),
            "</head>",
            "<body>",
            element("main", body),
            "</body>",
            "</html>",
            "",
        ]
    )
