"""Encoding of text by a sentence encoder of the caller, which is never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._util.arraylike import as_numpy
from ..._util.sparse import Array
from ..table import Column
from .base import Settings, State, array, nothing
from .text import documents

__all__ = ["Sentences"]

_PROBE = "The quick brown fox jumps over the lazy dog."
_SAME = 0.999


@dataclass(frozen=True)
class Sentences:
    """``encoder.encode(texts)`` of the texts that are there.

    probe : (width,) what the encoder made of a fixed sentence, by which another encoder is told.
    """

    modality: str
    encoder: Any
    called: str
    probe: Array

    @classmethod
    def learn(cls, modality: str, columns: Sequence[Column], settings: Settings) -> Sentences:
        """The width of the encoder's vectors; texts are encoded when rows are asked for."""
        if not any(documents(columns)):
            raise nothing(modality, columns, "text")
        encoder = settings.encoders[modality]
        probe = _encoded(encoder, [_PROBE], modality)[0]
        return cls(modality, encoder, name_of(encoder), probe)

    @property
    def names(self) -> list[str]:
        """``modality[0]`` and so on."""
        return [f"{self.modality}[{j}]" for j in range(len(self.probe))]

    def rows(self, columns: Sequence[Column]) -> Array:
        """Dense; a row of zeros where there is no text. Equal texts are encoded once."""
        found = documents(columns)
        distinct = {text: k for k, text in enumerate(dict.fromkeys(filter(None, found)))}
        out = np.zeros((len(found), len(self.probe)))
        if distinct:
            vectors = _encoded(self.encoder, list(distinct), self.modality, len(self.probe))
            there = [row for row, text in enumerate(found) if text]
            out[there] = vectors[[distinct[found[row]] for row in there]]
        return out

    def describe(self) -> str:
        """The encoder and its width."""
        return f"{len(self.probe)} numbers of {self.called}"

    def state(self) -> State:
        """The encoder's name and what it made of the fixed sentence."""
        return {"encoder": self.called}, {"probe": self.probe}

    @classmethod
    def load(
        cls, modality: str, columns: list[str], facts: Mapping[str, Any], arrays: Mapping[str, Array], encoder: Any
    ) -> Sentences:
        """The block that :meth:`state` describes; ValueError without the encoder, or with another one."""
        called, probe = facts.get("encoder"), array(arrays, "probe")
        if not isinstance(called, str) or not len(probe):
            raise ValueError(f"encoder is {called!r:.40} with a probe of {len(probe)} numbers")
        if encoder is None:
            raise ValueError(
                f"it was encoded by {called:.80}, which is not stored: pass the same as encoder=, or "
                f"encoder={{{modality!r}: ...}}"
            )
        now = _encoded(encoder, [_PROBE], modality, len(probe))[0]
        if now @ probe < _SAME * np.linalg.norm(now) * np.linalg.norm(probe):
            raise ValueError(f"encoder= is not the {called:.80} that it was encoded by: vectors differ")
        return cls(modality, encoder, called, probe)


def name_of(encoder: Any) -> str:
    """Module and class of an encoder."""
    return f"{type(encoder).__module__}.{type(encoder).__qualname__}"


def _encoded(encoder: Any, found: list[str], modality: str, width: int | None = None) -> Array:
    """(len(found), width) float64, checked."""
    who = f"modality {modality!r}: {name_of(encoder)}.encode"
    out = as_numpy(encoder.encode(found), who)
    if out.dtype.kind not in "fiu":
        raise TypeError(f"{who} gave {out.dtype}, not real numbers")
    if out.ndim != 2 or out.shape[0] != len(found) or not out.shape[1]:
        raise ValueError(f"{who} gave shape {out.shape} for {len(found)} texts; it must give one vector for each")
    if width is not None and out.shape[1] != width:
        raise ValueError(f"{who} gave vectors of {out.shape[1]} numbers where it was fitted with {width}")
    if not np.isfinite(out).all():
        raise ValueError(
            f"{who} gave values that are not finite for {found[int(np.argmin(np.isfinite(out).all(1)))]!r:.60}"
        )
    return out.astype(np.float64)
