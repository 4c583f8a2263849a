"""Parser of estimators on the command line: ``Class:name=value,name=value``."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["named"]

_PYTHON = {"True": True, "False": False, "None": None}


def named(spec: str, *others: str) -> tuple[Any, dict[str, Any]]:
    """The class and the parameters that a value of ``--model`` names.

    Raises
    ------
    ValueError
        In one line that says which names there are; ``others`` are listed too.
    """
    name, _, text = spec.partition(":")
    known = _estimators()
    if name not in known:
        raise ValueError(f"--model {spec}: {name!r} is none of {', '.join([*known, *others])}")
    params = _params(spec, text)
    there = known[name]().get_params()
    for param in params:
        if param not in there:
            raise ValueError(f"--model {spec}: {name} has no parameter {param!r}; it has {', '.join(there) or 'none'}")
    return known[name], params


def _estimators() -> dict[str, Any]:
    """Every estimator there is, by the name of its class."""
    from .. import models

    named = {name: getattr(models, name) for name in models.__all__}
    return {
        name: value
        for name, value in named.items()
        if isinstance(value, type) and issubclass(value, models.Recommender) and value is not models.Recommender
    }


def _params(spec: str, text: str) -> dict[str, Any]:
    """``name=value`` by commas; values are JSON, or bare words, which are text."""
    params: dict[str, Any] = {}
    for each in re.split(r",(?=\s*\w+\s*=)", text) if text else []:
        name, equals, value = (piece.strip() for piece in each.partition("="))
        if not equals or not name.isidentifier() or name in params:
            what = "comes twice" if name in params else "is no name=value"
            raise ValueError(f"--model {spec}: {each.strip()!r} {what}; write Class:name=value,name=value")
        try:
            params[name] = _PYTHON[value] if value in _PYTHON else json.loads(value)
        except json.JSONDecodeError:
            if not re.fullmatch(r"[A-Za-z_][\w.\- ]*", value):
                raise ValueError(
                    f"--model {spec}: the value of {name}, {value!r}, is neither JSON nor a word"
                ) from None
            params[name] = value
    return params
