"""Parts of fitting and updating that need no name on a model: what is learned from, tuning, learning again."""

from __future__ import annotations

import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from ..._util.validate import check_positive_int
from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array, histories, merge_rows, no_rows
from ..inputs.outside import Asked, Outside
from ..storage.encoders import Encoders
from . import asking, tuning
from .state import Declared, FittedState, Negative

if TYPE_CHECKING:
    from .fitting import Learning

__all__ = ["Apart", "Given", "Report", "again", "apart", "changed", "declared", "kept", "rows_of", "tuned"]

Report = Callable[[int, float], None]  # epoch (from 1), loss
L = TypeVar("L", bound="Learning[FittedState]")
StateT = TypeVar("StateT", bound=FittedState)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What an estimator learns from beside histories; None unless its ``accepted_inputs`` names it.

    Attributes
    ----------
    declared
        What the source of the histories says that they are.
    rating_range
        The range that explicit ratings were declared with, if they were.
    """

    user_features: object = None
    item_features: object = None
    item_vectors: object = None
    sample_weight: object = None
    checkpoint: str | os.PathLike[str] | None = None
    declared: Declared = "unknown"
    rating_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Apart:
    """What is not learned from: the choice, None for estimators that have none, and entries that are hidden."""

    negative: Negative | None = None
    disliked: CSR | None = None


def declared(user_items: object) -> tuple[Declared, tuple[float, float] | None]:
    """Whether the source of the histories says that they are ratings, and of what range, as Interactions does; a matrix
    says nothing."""
    explicit = getattr(user_items, "explicit", None)
    told: Declared = "unknown" if explicit is None else "explicit" if explicit else "implicit"
    return told, getattr(user_items, "rating_range", None) if explicit else None


def apart(model: Learning[FittedState], user_items: CSR, declared: Declared) -> tuple[CSR, Apart]:
    """The part that is learned from, and what is not."""
    if "negative" not in model._param_names():
        return user_items, Apart()
    negative = model._takes_negative(user_items, declared)
    learned, disliked = dislikes.apart(user_items, negative)
    return learned, Apart(negative, disliked)


def warn_of_dislikes(name: str, given: CSR, apart: Apart, up: int = 3) -> None:
    """Unless they were asked to be something else."""
    count = int(np.count_nonzero(given.data < 0)) if apart.negative == "seen" else 0
    if count:
        warnings.warn(dislikes.warning(name, count), UserWarning, stacklevel=up)


def tuned(model: L, x: CSR, given: Given, tune: object, show_progress: bool) -> tuple[L, tuning.Trials]:
    """An estimator with the best of the settings, and the table of all."""
    params, trials = model.get_params(), tuning.Trials()
    needs = model._tuned_with
    space = {k: v for k, v in model._search_space().items() if getattr(given, needs.get(k, "declared")) is not None}
    tried: Iterable[dict[str, object]]
    if model._searches_by_coordinate and isinstance(tune, (bool, int, np.integer)):
        most = None if isinstance(tune, bool) else check_positive_int("tune", tune)
        tried = itertools.islice(tuning.coordinate_search(space, params, trials), most)
    else:
        tried = tuning.settings(tune, space, list(params), params.get("random_state", 0))
        for one in tried:
            if "negative" in one and "negative" in params:
                raise ValueError("tune: negative says what the data are; set it on the estimator instead")
            type(model)(**{**params, **one})._check_params()
    best, _ = tuning.search(tried, model._trial(x, given), trials=trials, show_progress=show_progress)
    return type(model)(**{**params, **best}), trials


def changed(model: Learning[FittedState], name: str, whole: CSR, rows: CSR, fresh: bool) -> tuple[CSR, CSR, Apart]:
    """Of all histories, and of rows of theirs (``fresh``: just given), what is learned from; and what is not. What was
    learned with one choice of ``negative`` keeps it; a refit has the one of now."""
    if model.updates_are_exact:
        learned, rest = apart(model, whole, model._fitted().declared)
    else:
        negative = asking.negative(model)
        learned, disliked = dislikes.apart(whole, negative)
        rest = Apart(negative, disliked)
    if fresh:
        warn_of_dislikes(name, rows, rest, up=5)
    return learned, dislikes.apart(rows, rest.negative or "interaction")[0], rest


def again(model: Learning[StateT], user_items: CSR, changed: Mapping[str, tuple[Array, object]]) -> StateT:
    """The state for these histories; ``changed`` are the ids whose features are others now, and these, by name."""
    x = histories("user_items", user_items)
    if x.nnz == 0:
        raise ValueError("no interactions would be left: keep at least one")
    s = model._fitted()
    scale = s.rating_scale()
    sizes = {"user_features": x.shape[0], "item_features": x.shape[1], "item_vectors": x.shape[1]}
    inputs: dict[str, Any] = {}
    for name in sizes.keys() & model.accepted_inputs:
        ids, given = changed.get(name, (np.zeros(0, dtype=np.int64), None))
        inputs[name] = model._known_features(name, ids, given, sizes[name])
    known = Given(**inputs, declared=s.declared, rating_range=None if scale is None else scale.declared)
    return model._learn(x, known, False, lambda epoch, loss: None)


def rows_of(name: str, x: object, n_rows: int, n_cols: int, ids_name: str, width_name: str) -> CSR:
    """Histories with a row for each of so many ids, and a column for each of the others."""

    def check(shape: tuple[int, int]) -> None:
        if shape != (n_rows, n_cols):
            raise ValueError(
                f"{name} has shape {shape}; it must have one row for each of the {n_rows} {ids_name} and a column for "
                f"each of the {n_cols} {width_name}"
            )

    return histories(name, x, check, row=checks.one_row(name, x, n_rows, ids_name))


def kept(old: CSR, wanted: Array) -> CSR:
    """Rows as they are; of those past the end, empty ones."""
    fresh = wanted[wanted >= old.shape[0]]
    return merge_rows(old, fresh, no_rows(len(fresh), old.shape[1]))[wanted]


def fit(
    model: Learning[FittedState],
    user_items: object,
    inputs: dict[str, object],
    show_progress: bool,
    callback: Callable[[int, float, float], None] | None,
    tune: object,
    checkpoint: str | os.PathLike[str] | None,
) -> None:
    """See :meth:`Learning.fit`."""
    checks.unused(model, **inputs, tune=None if tune is False else tune, checkpoint=checkpoint)
    said, rating_range = declared(user_items)
    model._check_params()
    started = time.perf_counter()
    stored = histories("user_items", user_items)
    x, rest = apart(model, stored, said)
    if x.nnz == 0:
        but = f" but {stored.nnz} dislikes, values below 0" if stored.nnz else ""
        raise ValueError(f"user_items {x.shape} holds no interactions{but}: there is nothing to learn from")
    warn_of_dislikes("user_items", stored, rest, 4)
    outside = Outside.of(user_items)
    inputs, alignment = outside.features(inputs, x.shape)
    given = Given(declared=said, rating_range=rating_range)
    given = replace(given, **cast(dict[str, Any], inputs))

    def report(epoch: int, loss: float) -> None:
        if callback is not None:
            callback(epoch, time.perf_counter() - started, loss)

    best, trials = (model, None) if tune is None or tune is False else tuned(model, x, given, tune, show_progress)
    state = best._learn(x, replace(given, checkpoint=checkpoint), show_progress, report)
    state = _with(state, rest)
    model.set_params(**best.get_params())
    told = {"_encoders": Encoders.of(inputs), "_outside": outside, "alignment_": alignment, "tuning_": trials}
    vars(model).update(_state=state, **told)  # at once, for other threads


def update_users(model: Learning[FittedState], userids: object, user_items: object, user_features: object) -> None:
    """See :meth:`Learning.partial_fit_users`."""
    checks.unused(model, user_features=user_features)
    user_features = model._encoders.encoded("user_features", user_features)
    old = asking.everything(model)
    wanted, _ = checks.ids("userids", userids)
    checks.new_rows("userids", wanted, old.shape[0], "user")
    asked = asking.asked_about(model, "user", wanted)
    asked.take_names(user_items=user_items, user_features=user_features)
    if user_items is None and user_features is None:
        raise ValueError(
            "user_items is missing: pass the histories, one row for each of userids"
            + (", or user_features" if "user_features" in model.accepted_inputs else "")
        )
    if user_items is not None:
        given, _ = asked.rows("user_items", user_items)
        rows = rows_of("user_items", given, len(wanted), old.shape[1], "userids", "items")
    else:
        rows = kept(old, wanted)
    user_features = asked.features("user_features", user_features)
    learned, rows, rest = changed(model, "user_items", merge_rows(old, wanted, rows), rows, user_items is not None)
    _swap(model, model._users_changed(learned, wanted, rows, user_features), rest, asked)


def update_items(
    model: Learning[FittedState], itemids: object, item_users: object, item_features: object, item_vectors: object
) -> None:
    """See :meth:`Learning.partial_fit_items`."""
    checks.unused(model, item_features=item_features, item_vectors=item_vectors)
    item_features = model._encoders.encoded("item_features", item_features)
    old = asking.everything(model)
    wanted, _ = checks.ids("itemids", itemids)
    checks.new_rows("itemids", wanted, old.shape[1], "item")
    asked = asking.asked_about(model, "item", wanted)
    asked.take_names(item_users=item_users, item_features=item_features)
    if item_users is None and item_features is None and item_vectors is None:
        raise ValueError(
            f"{type(model).__name__} learns items from their users: pass item_users, one row for each of itemids"
            + "".join(f", or {name}" for name in ("item_features", "item_vectors") if name in model.accepted_inputs)
        )
    by_item = old.T.tocsr()
    if item_users is not None:
        given_users, _ = asked.rows("item_users", item_users)
        rows = rows_of("item_users", given_users, len(wanted), old.shape[0], "itemids", "users")
    else:  # features or vectors alone
        rows = kept(by_item, wanted)
    item_features = asked.features("item_features", item_features)
    whole = merge_rows(by_item, wanted, rows).T.tocsr()
    learned, rows, rest = changed(model, "item_users", whole, rows, item_users is not None)
    _swap(model, model._items_changed(learned, wanted, rows, item_features, item_vectors), rest, asked)


def _with(state: StateT, rest: Apart) -> StateT:
    """The state, with what is not learned from."""
    return state if rest.negative is None else replace(state, negative=rest.negative, disliked=rest.disliked)


def _swap(model: Learning[FittedState], state: FittedState, rest: Apart, asked: Asked) -> None:
    """Publish a state with what is not learned from, and the ids of new rows, in one assignment."""
    vars(model).update(_state=_with(state, rest), _outside=model._outside.grown(asked), alignment_=asked.report)
