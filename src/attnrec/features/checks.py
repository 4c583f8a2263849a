"""Checks of the parameters of the encoder; messages name the parameter and the fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .columns import Modality

__all__ = ["check_encoder", "check_names", "check_params"]


def check_params(params: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for values that no table could make sense of."""
    for name in ("min_df", "min_frequency", "max_features"):
        value = params[name]
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name}={value!r:.40} is not a whole number")
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")
    separator, id, encoder, weights = (params[name] for name in ("separator", "id", "encoder", "weights"))
    marks = separator.values() if isinstance(separator, Mapping) else [separator]
    if not all(isinstance(mark, str) and mark for mark in marks):
        raise ValueError(f"separator={separator!r:.40} is no text, such as '|', nor a dict of column -> text")
    if id is True or not isinstance(id, (str, bool, type(None))):
        raise TypeError(f"id={id!r:.40} is no column name, False or None")
    check_encoder(encoder)
    if weights is not None and not isinstance(weights, Mapping):
        raise TypeError(f"weights={weights!r:.40} is no dict of modality -> number")
    for name, weight in (weights or {}).items():
        number = isinstance(weight, (int, float, np.number)) and not isinstance(weight, bool)
        if not number or not 0 <= weight < math.inf:
            raise ValueError(f"weights[{name!r}]={weight!r:.40} must be a number of at least 0")


def check_encoder(encoder: Any) -> None:
    """Raise TypeError for what cannot encode text."""
    encoders = encoder.values() if isinstance(encoder, Mapping) else [encoder]
    if not all(one is None or callable(getattr(one, "encode", None)) for one in encoders):
        raise TypeError("encoder has no method encode(list of str) -> (n, width) array; pass an object that has")


def check_names(modalities: Sequence[Modality], params: Mapping[str, Any]) -> None:
    """Raise ValueError for weights and encoders of modalities that there are not."""
    names = [modality.name for modality in modalities]
    texts = [modality.name for modality in modalities if modality.kind == "text"]
    if params["encoder"] is not None and not texts:
        raise ValueError("encoder is for text, and there is none: name a column as text=, or leave it out")
    for what, known in (("weights", names), ("encoder", texts)):
        for name in params[what] if isinstance(params[what], Mapping) else ():
            if name not in known:
                raise ValueError(f"{what} names {name!r:.40}, which is not among {', '.join(known)}")
