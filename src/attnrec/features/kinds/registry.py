"""Registry of the kinds of modalities: how each is fitted, and restored from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._util.sparse import Array
from ..columns import Modality
from ..table import Table
from .base import Block, Settings, strings
from .dates import Dates
from .labels import Categories, Multi
from .numbers import Numbers
from .sentences import Sentences
from .text import Words
from .vectors import Vectors

__all__ = ["KINDS", "learn", "load"]

KINDS: Mapping[str, Any] = {
    "text": Words,
    "categories": Categories,
    "multi": Multi,
    "numbers": Numbers,
    "dates": Dates,
    "vectors": Vectors,
}
"""Arguments of the encoder, in the order in which their modalities stand in the matrix."""


def learn(modality: Modality, table: Table, settings: Settings) -> Block:
    """The block of a modality."""
    columns = [table.column(name) for name in modality.columns]
    kind = Sentences if modality.name in settings.encoders else KINDS[modality.kind]
    block: Block = kind.learn(modality.name, columns, settings)
    return block


def load(facts: Any, arrays: Mapping[str, Array], encoders: Any) -> tuple[Modality, Block]:
    """A modality and its block out of what a file brought.

    Raises
    ------
    ValueError
        If they do not describe one; the message says what is wrong.
    """
    named = isinstance(facts, dict) and all(isinstance(facts.get(key), str) for key in ("name", "kind"))
    if not named or facts["kind"] not in KINDS:
        raise ValueError(f"{facts!r:.60} is no modality")
    modality = Modality(facts["name"], facts["kind"], strings(facts, "columns", distinct=False))
    try:
        if modality.kind == "text" and "encoder" in facts:
            encoder = encoders.get(modality.name) if isinstance(encoders, Mapping) else encoders
            return modality, Sentences.load(modality.name, modality.columns, facts, arrays, encoder)
        return modality, KINDS[modality.kind].load(modality.name, modality.columns, facts, arrays)
    except ValueError as error:
        raise ValueError(f"modality {modality.name!r:.60}: {error}") from None
