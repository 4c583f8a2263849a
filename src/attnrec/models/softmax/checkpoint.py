"""Checkpoints of SoftmaxRecommender's training: written after each epoch, and resumed from to the same bits."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np

from ..storage import model_file
from .objective import Data
from .training import Training

__all__ = ["resume", "write"]

_NAME = "SoftmaxRecommender training"
_FACTS = ("epoch", "first_loss", "losses", "scores")


def write(path: str | os.PathLike[str], training: Training, params: dict[str, object]) -> None:
    """Everything that the next epochs depend on, moved to ``path`` when it is whole."""
    state: dict[str, object] = {name: getattr(training, name) for name in _FACTS}
    state |= {"data": fingerprint(training.data), "steps": training.adam.steps}
    for name, x in training.parameters.items():
        first, second = training.adam.moments[name]
        arrays = {"parameters": x, "first": first, "second": second, "best": training.best[name]}
        state |= {f"{part}.{name}": array for part, array in arrays.items()}
    model_file.write(path, _NAME, params, state)


def resume(path: str | os.PathLike[str] | None, training: Training, params: dict[str, object]) -> None:
    """Take up ``training`` where the file has it; nothing is done without a path or a file.

    Raises
    ------
    ValueError
        If it is no such file, damaged, or of other data or parameters; the message says which.
    FileNotFoundError
        If there is no folder for it: now, and not when the first epoch is over.
    """
    if path is None:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"there is no folder {folder!r} for checkpoint {os.path.basename(path)!r}: make it first"
        )
    if not os.path.exists(path):
        return
    header, state = model_file.read(path, mmap=False)
    try:
        _take_up(os.fspath(path), header, state, training, params)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is a damaged checkpoint ({error!r:.80}): remove the file") from None


def _take_up(
    name: str, header: dict[str, Any], state: dict[str, Any], training: Training, params: dict[str, object]
) -> None:
    fix = "give checkpoint another name, or remove the file"
    if header["class"] != _NAME:
        raise ValueError(f"{name!r} is a saved {header['class']:.60}, no checkpoint of training: {fix}")
    differ = [key for key, value in params.items() if header["params"].get(key) != value]
    if differ:
        key = differ[0]
        raise ValueError(
            f"{name!r} belongs to training with {key}={header['params'].get(key)!r:.40}, not {params[key]!r:.40}: {fix}"
        )
    if state["data"] != fingerprint(training.data):
        raise ValueError(f"{name!r} belongs to training on other data: {fix}")
    for key, x in training.parameters.items():
        parts = [state[f"{part}.{key}"] for part in ("parameters", "first", "second", "best")]
        if any(part.shape != x.shape or part.dtype != x.dtype for part in parts):
            raise ValueError(f"{name!r} holds {key} of another shape: {fix}")
        training.parameters[key], first, second, training.best[key] = parts
        training.adam.moments[key] = (first, second)
    training.adam.steps = {key: int(value) for key, value in state["steps"].items()}
    for key in _FACTS:
        setattr(training, key, state[key])


def fingerprint(data: Data) -> str:
    """A hash of all that is learned from."""
    whole = hashlib.sha256()
    x: Any
    for x in (data.histories, data.item_features, data.user_features, data.sample_weight):
        parts = [x.indptr, x.indices, x.data] if hasattr(x, "indptr") else [] if x is None else [x]
        whole.update(repr([(p.shape, p.dtype.str) for p in parts]).encode())
        for part in parts:
            whole.update(np.ascontiguousarray(part).data)
    return whole.hexdigest()
