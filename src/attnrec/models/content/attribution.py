"""Explanations by feature and by modality, from the contributions of content columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypedDict

import numpy as np

from ...explain.explanation import Part
from ..inputs.histories import Array, RowChunks
from . import fusion

__all__ = ["Added", "Columns", "Views", "by_size", "checked", "described"]

INTERACTIONS = "interactions"
_Block = tuple[list[tuple[str, int]], Sequence[str] | None]  # modalities with their widths, names of columns


class Views(TypedDict, total=False):
    """Views of an :class:`Explanation` by content, and what their parts are called."""

    features: Part
    modalities: Part
    labels: dict[str, Sequence[str]]


class Added(NamedTuple):
    """What columns of content, by number, added to a score, and what interactions did."""

    ids: Array
    contributions: Array
    interactions: float


@dataclass(frozen=True)
class Columns:
    """What columns of content are called, and the modality of each: those of items, then those of users.

    Attributes
    ----------
    modalities : list of str
        Number 0 is what interactions say: who used an item, or a vector of its own.
    features : list of str
    belongs : (width,) int64
        The number of each column's modality.
    """

    modalities: list[str]
    features: list[str]
    belongs: Array

    @classmethod
    def of(cls, items: _Block | None, users: _Block | None) -> Self:
        """Of the content that there is of items and of users."""
        modalities, features, widths = [INTERACTIONS], [], [0]
        for prefix, block in (("", items), ("user ", users)):
            if block is None:
                continue
            width = sum(width for _, width in block[0])
            modalities += [prefix + name for name, _ in block[0]]
            widths += [width for _, width in block[0]]
            names = [f"feature {c}" for c in range(width)] if block[1] is None else block[1]
            features += [prefix + name for name in names]
        return cls(modalities, features, np.repeat(np.arange(len(widths)), widths))

    @classmethod
    def of_content(cls, items: fusion.Content | None, users: fusion.Content | None) -> Self:
        """Of content as kernels take it."""
        blocks = [
            None if known is None else ([(m, block.shape[1]) for m, block in known.blocks.items()], known.names)
            for known in (items, users)
        ]
        return cls.of(*blocks)

    @classmethod
    def of_told(cls, items: str | None, users: str | None) -> Self:
        """Of what :func:`described` told of items and of users."""
        blocks: list[_Block | None] = []
        for text in (items, users):
            told = None if text is None else json.loads(text)
            blocks.append(None if told is None else (list(told["modalities"].items()), told["names"]))
        return cls.of(*blocks)

    def views(self, added: Added, whole: float, n: int) -> Views:
        """``features``, ``modalities`` and their ``labels`` for an Explanation of ``whole``, the score less its bias.

        What neither interactions nor columns added is background, and to features so is what interactions did.
        """
        ids, contributions, interactions = added
        by_modality = np.bincount(self.belongs[ids], contributions, len(self.modalities))
        by_modality[0] = interactions
        numbers = np.arange(len(by_modality))
        return {
            "features": Part.largest(ids, contributions, n, background=_rest(whole, contributions)),
            "modalities": Part.largest(numbers, by_modality, n, background=_rest(whole, by_modality)),
            "labels": {"features": self.features, "modalities": self.modalities},
        }


def _rest(whole: float, parts: Array) -> float:
    """What parts leave of the whole; 0 where that is rounding."""
    rest = whole - float(parts.sum())
    return rest if abs(rest) > 1e-12 * (abs(whole) + float(np.abs(parts).sum())) else 0.0


def described(given: object, width: int) -> str:
    """Modalities and names of columns of a feature matrix, as JSON: those of :class:`attnrec.features.Features`, else
    one modality "content" without names."""
    slices, names = getattr(given, "modalities", None), getattr(given, "names", None)
    modalities = {"content": width} if not slices else {m: s.stop - s.start for m, s in slices.items()}
    return json.dumps({"modalities": modalities, "names": None if names is None else [str(name) for name in names]})


def checked(told: str, width: int) -> None:
    """ValueError unless this is what :func:`described` gives for so many columns."""
    facts = json.loads(told)
    names = facts["names"]
    if sum(facts["modalities"].values()) != width or (names is not None and len(names) != width):
        raise ValueError("the names of its features do not fit their columns")


def by_size(weights: Array, histories: Array, item: Array, rows: RowChunks, belongs: Array) -> tuple[Array, float]:
    """Shares out what each history item adds over the parts of its similarity to an item, in proportion to their size.

    The parts of a similarity are what histories say and, for each modality, the sum of products of columns; a modality
    is shared by its columns in proportion to the size of their products. What has no part in common is left out.

    Parameters
    ----------
    weights : (h,) float64
        What each history item adds.
    histories : (h,) float64
        The part of the similarity that histories say.
    item : (width,) float64
        Columns of the item.
    rows : RowChunks
        Those of the history items.
    belongs : (width,) int64
        The modality of each column, from 1.

    Returns
    -------
    (width,) float64, what columns add, and what histories do
    """
    h, n = len(weights), int(belongs.max(initial=0)) + 1
    products = rows.data * item[rows.indices]
    at = np.repeat(np.arange(h), np.diff(rows.indptr)) * n + belongs[rows.indices]
    parts = np.abs(np.bincount(at, products, h * n).reshape(h, n))
    parts[:, 0] = np.abs(histories)
    whole = parts.sum(axis=1)
    each = parts * np.divide(weights, whole, out=np.zeros(h), where=whole > 0)[:, None]
    sizes = np.bincount(at, np.abs(products), h * n)
    share = np.divide(each.ravel(), sizes, out=np.zeros(h * n), where=sizes > 0)
    out: Array = np.bincount(rows.indices, share[at] * np.abs(products), len(item))
    return out, float(each[:, 0].sum())
