"""Encoding of text by TF-IDF, with tokens and counts by scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..._util.extras import require
from ..._util.sparse import Array, csr
from ..table import Column
from .base import Settings, State, array, frequent, nothing, strings
from .cells import texts

__all__ = ["Words", "documents"]


def documents(columns: Sequence[Column]) -> list[str]:
    """One text a row, the columns' texts on lines of their own; "" where all are missing."""
    parts = zip(*(texts(column) for column in columns), strict=True)
    return ["\n".join(filter(None, row)) for row in parts]


def _counter(terms: list[str] | None = None) -> Any:
    """Counts words: two letters or digits or more, in lower case, without accents."""
    text = require("sklearn.feature_extraction.text", extra="features")
    return text.CountVectorizer(strip_accents="unicode", vocabulary=terms)


@dataclass(frozen=True)
class Words:
    """``(1 + ln tf) (ln((1 + n) / (1 + df)) + 1)`` of each term: sublinear tf, smooth idf.

    tf : times in this text; df : texts with the term, of n that are not empty. This is scikit-learn's
    ``TfidfVectorizer(sublinear_tf=True, strip_accents="unicode")``; the idea is Spärck Jones (1972), the logarithms
    are in Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), section 6.4.
    """

    modality: str
    terms: list[str]
    idf: Array

    @classmethod
    def learn(cls, modality: str, columns: Sequence[Column], settings: Settings) -> Words:
        """Terms in at least ``min_df`` texts, the most frequent if there are too many, and their idf."""
        found = [text for text in documents(columns) if text]
        counter = _counter()
        try:
            counts = counter.fit_transform(found)
        except ValueError:
            raise nothing(modality, columns, "word of two letters or more") from None
        df = np.bincount(counts.indices, minlength=counts.shape[1]).tolist()
        df_of = Counter(dict(zip(counter.get_feature_names_out().tolist(), df, strict=True)))
        terms = frequent(df_of, settings.min_df, settings.max_features)
        idf = np.log((1 + len(found)) / (1 + np.array([df_of[term] for term in terms]))) + 1
        return cls(modality, terms, idf)

    @property
    def names(self) -> list[str]:
        """``modality:term``."""
        return [f"{self.modality}:{term}" for term in self.terms]

    @cached_property
    def _count(self) -> Any:
        return _counter(self.terms).transform

    def rows(self, columns: Sequence[Column]) -> Any:
        """CSR; a row of zeros for a text without a known word."""
        found = documents(columns)
        if not found:
            return csr(np.zeros(0), np.zeros(0, np.int32), np.zeros(1, np.int32), (0, len(self.terms)))
        counts = self._count(found)
        weights = (1 + np.log(counts.data)) * self.idf[counts.indices]
        return csr(weights, counts.indices, counts.indptr, counts.shape)

    def describe(self) -> str:
        """How many words."""
        return f"TF-IDF of {len(self.terms):,} words"

    def state(self) -> State:
        """Terms and idf."""
        return {"terms": self.terms}, {"idf": self.idf}

    @classmethod
    def load(cls, modality: str, columns: list[str], facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> Words:
        """The block that :meth:`state` describes; ValueError if it describes none."""
        terms = strings(facts, "terms")
        return cls(modality, terms, array(arrays, "idf", len(terms), positive=True))
