"""A table of wines in every form that an encoder takes, and encoders for it. Asserts nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from attnrec.features import FeatureEncoder

WINES = {
    "wine": [7, 3, 5, 9, 4],
    "notes": ["Dry red wine, cherry", "A red wine from São Paulo", None, "Sweet WHITE wine: cherry", ""],
    "region": ["Douro", "Douro", "Dão", None, "Minho"],
    "grapes": ["Baga|Jaen", "Jaen", "Baga | Loureiro", "", None],
    "abv": [12.5, None, 13.0, 9.0, 19.5],
    "bottled": ["2019-03-01", "2020-09-15", None, "2021-03-01", "2019-12-31"],
    "v0": [0.5, 1.0, None, -1.0, 0.0],
    "v1": [0.5, 0.0, None, 2.0, 0.0],
}
COLUMNS = {
    "text": "notes",
    "categories": ["region"],
    "multi": "grapes",
    "numbers": {"strength": "abv"},
    "dates": "bottled",
    "vectors": {"picture": "v*"},
}
PRESENT = [
    [True, True, True, True, True, True],
    [True, True, True, False, True, True],
    [False, True, True, True, False, False],
    [True, False, False, True, True, True],
    [False, True, False, True, True, False],
]


class LetterCounts:
    """A sentence encoder: how often each of some letters stands in a text."""

    def __init__(self, letters: str = "aeiours") -> None:
        self.letters = letters
        self.seen = 0

    def encode(self, texts: list[str]) -> np.ndarray:
        self.seen += len(texts)
        return np.array([[text.lower().count(letter) for letter in self.letters] for text in texts], np.float32)


def encoder(**changes) -> FeatureEncoder:
    """For all columns of the wines."""
    return FeatureEncoder(**(COLUMNS | changes))


def typed() -> pd.DataFrame:
    """With dates and numbers of their own types."""
    frame = pd.DataFrame(WINES)
    frame["bottled"] = pd.to_datetime(frame["bottled"])
    return frame


def _arrow() -> pa.Table:
    days = [None if day is None else datetime.date.fromisoformat(day) for day in WINES["bottled"]]
    return pa.table(WINES | {"bottled": pa.array(days, pa.date32()), "grapes": _lists()})


def _lists() -> list[list[str] | None]:
    return [[part.strip() for part in text.split("|")] if text else None for text in WINES["grapes"]]


def _nullable() -> pd.DataFrame:
    return typed().convert_dtypes()


def _csv(folder: Path) -> Path:
    pd.DataFrame(WINES).to_csv(folder / "wines.csv", index=False)
    return folder / "wines.csv"


def _parquet(folder: Path) -> str:
    pq.write_table(_arrow(), folder / "wines.parquet")
    return str(folder / "wines.parquet")


FORMS = {
    "dict": lambda folder: WINES,
    "dict of arrays": lambda folder: {name: np.array(values, object) for name, values in WINES.items()},
    "pandas": lambda folder: pd.DataFrame(WINES),
    "pandas typed": lambda folder: typed(),
    "pandas nullable": lambda folder: _nullable(),
    "pandas categories": lambda folder: typed().astype({"region": "category"}),
    "polars": lambda folder: pl.DataFrame(WINES),
    "polars lazy": lambda folder: pl.DataFrame(WINES).lazy(),
    "polars typed": lambda folder: pl.DataFrame(WINES).with_columns(
        pl.col("bottled").str.to_datetime(), pl.col("region").cast(pl.Categorical), pl.Series("grapes", _lists())
    ),
    "pyarrow": lambda folder: _arrow(),
    "pyarrow chunks": lambda folder: pa.concat_tables([_arrow()[:2], _arrow()[2:]]),
    "csv": _csv,
    "parquet": _parquet,
}
