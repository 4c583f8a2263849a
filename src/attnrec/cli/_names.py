"""Titles in a model file: a further entry of its header, which :func:`attnrec.models.load` ignores."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from .._util.extras import require
from ._write import beside

__all__ = ["load_named", "save_named"]

_FIX = "fit the ratings again with 'attnrec fit'"


def save_named(path: Path, model: Any, users: Any, items: Any, titles: list[str] | None, explicit: bool) -> None:
    """Write the model with its ids; whole or not at all. Ids that a model file can not hold become text beside it."""
    safetensors = require("safetensors", extra="models")
    arrays = require("safetensors.numpy", extra="models")
    names: dict[str, Any] = {"titles": titles, "explicit": explicit}
    with beside(path) as part:
        with warnings.catch_warnings(record=True):  # of ids that are no part of the model: they are text here
            model.save(part)
        if type(model).load(part).user_ids is None:
            names |= {"users": _plain(users), "items": _plain(items)}
        with safetensors.safe_open(part, framework="numpy") as file:
            ((key, text),) = file.metadata().items()  # one entry, since several would be written in any order
        header = json.dumps(json.loads(text) | {"names": names}, sort_keys=True)
        arrays.save_file(arrays.load_file(part), part, metadata={key: header})


def load_named(path: Path) -> tuple[Any, Any, Any, list[str], bool]:
    """The model, the ids of its users and items, titles, and whether it predicts ratings.

    A model that was saved from Python has the ids of its Interactions and no titles, and numbers where it was fitted
    with a matrix.
    """
    from .. import models
    from ..data import Ids
    from ..models.storage.model_file import read_header

    model = models.load(path)
    header = read_header(path)
    names = header.get("names")
    if names is None:
        users, items = model.user_ids or Ids(range(model.n_users)), model.item_ids or Ids(range(model.n_items))
        return model, users, items, [str(name) for name in items], header["facts"].get("feedback") == "explicit"
    try:
        users, items = (
            (model.user_ids, model.item_ids) if model.user_ids else (Ids(names["users"]), Ids(names["items"]))
        )
        titles = [str(name) for name in (items if names["titles"] is None else names["titles"])]
        explicit = bool(names["explicit"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the ids in it are damaged ({error}); {_FIX}") from None
    if (len(users), len(items), len(titles)) != (model.n_users, model.n_items, model.n_items):
        raise ValueError(f"{path}: its ids do not fit its {model.n_users} users and {model.n_items} items; {_FIX}")
    return model, users, items, titles, explicit


def _plain(ids: Any) -> list[Any]:
    return [name if type(name) in (int, str) else str(name) for name in ids]
