"""The encoder of tables: says which columns are what, learns, transforms, and gives its state to files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from .._util.extras import need
from .._util.params import NotFittedError, Params
from .._util.sparse import Array, unit_rows
from ..data.factorize import as_list, is_missing
from ..data.ids import Ids
from .checks import check_encoder, check_names, check_params
from .columns import Modality, resolve
from .guess import guess
from .kinds.base import Block, Settings, unit_dense
from .kinds.registry import KINDS, learn
from .learned import Learned, pack, unpack
from .matrix import Features
from .sources import read
from .table import Table

__all__ = ["FeatureEncoder"]

_sparse = need("scipy.sparse", extra="features")


class FeatureEncoder(Params):
    """Features of items or users from a table about them, a block of columns for each modality.

    A modality is a column, or a few columns that speak of one thing. Each argument from ``text`` to ``vectors`` is a
    column, a list of columns (each a modality that bears its name), or a dict of modality -> column or columns. Without
    any of them ``fit`` goes by types and content, and :meth:`report` says what it took each column for.

    Parameters
    ----------
    text : columns of text
        TF-IDF, ``(1 + ln tf) (ln((1 + n) / (1 + df)) + 1)``, of words in lower case without accents (scikit-learn's
        ``TfidfVectorizer(sublinear_tf=True)``; Manning, Raghavan and Schütze, 2008, section 6.4), or ``encoder``.
    categories : columns of text, numbers or booleans
        One column of ones for each label.
    multi : columns with several labels a cell
        Lists, text with a ``separator``, or text that spells a list as JSON or Python does.
    numbers : columns of numbers
        ``(z, 1) / sqrt(z^2 + 1)`` with ``z = (x - mean) / std``: at length 1 it still says how large a number is, and
        the product of two is ``cos(arctan z1 - arctan z2)``.
    dates : columns of dates, times, or ISO 8601 text
        Days since 1970 in the same way, and sine and cosine of the place in the year and in the week.
    vectors : columns of lists or arrays of one width, or of single numbers (``{"image": "img_*"}`` by a pattern)
        As they are.
    id : str, False or None
        The column of ids, kept as ``Features.ids``. None: a column with a common header (item, movieId, user ...) whose
        values are distinct, if there is one. False: none.
    encoder : object with ``encode(list of str) -> (n, width) array``, or dict of modality -> such an object
        What to encode text with in place of TF-IDF, such as a ``SentenceTransformer``; of a dict, only the modalities
        that it names.
    separator : str or dict of column -> str
        Between the labels of ``multi``; ``"|"`` for columns that a dict does not name.
    weights : dict of modality -> number, optional
        Blocks are multiplied by ``sqrt(weight)``, so that the product of two rows is the weighted sum of cosines. 1
        where nothing is said.
    min_df : int
        Words in fewer texts are left out.
    min_frequency : int
        Labels in fewer rows share one column, ``other``, and are alike from then on.
    max_features : int
        The most words of a text modality, and labels of a column: the most frequent ones.

    Notes
    -----
    A cell is missing if it is None, NaN, NaT, NA or empty. A modality is missing in a row where its cells are, where no
    word or label was there during ``fit``, or where a vector has no length: zeros in the matrix, False in ``present``.
    Every block of a row where it is present has length 1. A row's features depend on that row alone, to the bit (unless
    the ``encoder`` sees to the contrary).

    Tables are pandas or polars data frames, pyarrow tables, dicts of columns, :class:`attnrec.data.Items`, or paths of
    CSV and Parquet files.

    Examples
    --------
    >>> from attnrec.data import load_demo
    >>> from attnrec.features import FeatureEncoder
    >>> films = load_demo().items
    >>> encoder = FeatureEncoder(text="title", multi=["genres", "keywords"], numbers="year")
    >>> features = encoder.fit_transform(films)
    >>> features.shape[0], list(features.modalities)
    (222, ['title', 'genres', 'keywords', 'year'])
    >>> similarity = (features.matrix @ features.matrix.T).toarray()[features.ids.position(72)]
    >>> [films.title(features.ids[row]) for row in similarity.argsort()[:-4:-1]]
    ['Alien', 'The Thing', 'Aliens']
    """

    def __init__(
        self,
        *,
        text: Any = (),
        categories: Any = (),
        multi: Any = (),
        numbers: Any = (),
        dates: Any = (),
        vectors: Any = (),
        id: str | bool | None = None,
        encoder: Any = None,
        separator: str | Mapping[str, str] = "|",
        weights: Mapping[str, float] | None = None,
        min_df: int = 2,
        min_frequency: int = 1,
        max_features: int = 10_000,
    ) -> None:
        self.text = text
        self.categories = categories
        self.multi = multi
        self.numbers = numbers
        self.dates = dates
        self.vectors = vectors
        self.id = id
        self.encoder = encoder
        self.separator = separator
        self.weights = weights
        self.min_df = min_df
        self.min_frequency = min_frequency
        self.max_features = max_features

    _learned: Learned | None = None
    _left_out: Mapping[str, str] = {}

    @classmethod
    def guess(cls, table: Any, **settings: Any) -> Self:
        """An encoder for this table, not fitted yet, with columns sorted into kinds by type and content.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path
        **settings
            Other arguments of the encoder, such as ``id``, ``separator`` and ``weights``.

        Examples
        --------
        >>> wines = {"item": [1, 2, 3], "abv": [12.0, 13.5, 8.0], "name": ["Vinho Verde", "Ruby Port", "Rio"]}
        >>> FeatureEncoder.guess(wines)
        FeatureEncoder(text=['name'], numbers=['abv'], id='item')
        """
        self = cls(**settings)
        if any(getattr(self, kind) for kind in KINDS):
            raise ValueError("guess: say what the columns are, or have it guessed; drop " + " and ".join(KINDS))
        check_params(self.get_params())
        kinds, id, self._left_out = self._guessed(read(table, "guess"))
        self.set_params(**kinds, id=id or False)
        return self

    def _guessed(self, table: Table) -> tuple[dict[str, list[str]], str | None, dict[str, str]]:
        id = self._id(table, set())
        kinds, left_out = guess(table, id, self.separator)
        if not kinds:
            raise ValueError(f"{table.place.source}: no column to take as a feature: {_told(left_out)}")
        return kinds, id, left_out

    def _id(self, table: Table, taken: set[str]) -> str | None:
        """The column of ids."""
        if self.id is None:
            return table.guess_id(taken)
        return table.column(str(self.id)).name if self.id is not False else None

    def fit(self, table: Any, y: Any = None) -> Self:
        """Learn words, labels, means and widths.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path
        y : ignored
            For scikit-learn.

        Raises
        ------
        ValueError
            If a column is unknown (the message gives the nearest), two modalities have one name, a modality is missing
            in every row, a number is infinite, vectors differ in width, or the table has no rows.
        TypeError
            If a column of text holds something else, a category is a list, or the table is none.
        """
        check_params(self.get_params())
        source = read(table, "fit")
        if not source.n:
            raise ValueError(f"{source.place.source}: the table has no rows")
        given = {kind: getattr(self, kind) for kind in KINDS if getattr(self, kind)}
        if given:
            modalities, left_out = resolve(given, source), dict(self._left_out)
            taken = {column for modality in modalities for column in modality.columns}
            id = self._id(source, taken)
            left_out |= dict.fromkeys(source.columns.keys() - taken - left_out.keys() - {id}, "not named")
            left_out = {name: left_out[name] for name in source.columns if name in left_out}
        else:
            given, id, left_out = self._guessed(source)
            modalities = resolve({kind: given[kind] for kind in KINDS if kind in given}, source)
        if id is not None:
            source.ids(id)
        settings = self._settings(modalities)
        weights = self._weights(modalities)
        blocks = [learn(modality, source, settings) for modality in modalities]
        self._learned = Learned(modalities, blocks, weights, id, left_out)
        return self

    def transform(self, table: Any, *, ids: bool | None = True) -> Features:
        """The features of a table with the columns that ``fit`` saw; other columns do not matter.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path, (n rows)
        ids : bool or None
            Whether to keep the ids of the rows; without, the table needs no column of ids. None: where it has one that
            is not empty.

        Returns
        -------
        Features
            n rows, float32; CSR, or dense if there are only numbers, dates, vectors and sentence encodings.

        Raises
        ------
        ValueError, TypeError
            As in :meth:`fit`, except that anything may be missing here; NotFittedError before ``fit``.
        """
        learned = self._fitted()
        source = read(table, "transform")
        found = [self._block(*pair, source) for pair in zip(learned.modalities, learned.blocks, strict=True)]
        present = np.stack([_present(block) for block in found], axis=1)
        weighed = zip(found, learned.weights, strict=True)
        found = [block if w == 1 else (block * math.sqrt(w)).astype(np.float32) for block, w in weighed]
        ends = np.cumsum([0, *(block.shape[1] for block in found)]).tolist()
        return Features(
            _sparse.hstack(found, format="csr") if any(map(_sparse.issparse, found)) else np.hstack(found),
            {m.name: slice(*ends[k : k + 2]) for k, m in enumerate(learned.modalities)},
            present,
            [name for block in learned.blocks for name in block.names],
            self._ids(learned.id, source, ids),
            self,
        )

    def _ids(self, column: str | None, table: Table, asked: bool | None) -> Ids | None:
        """The ids of the rows; a column that was only guessed may be missing."""
        if column is None or asked is False or (column not in table.columns and (asked is None or self.id is None)):
            return None
        if asked is None and all(map(is_missing, as_list(table.columns[column]))):
            return None
        return table.ids(column)

    @staticmethod
    def _block(modality: Modality, block: Block, table: Table) -> Any:
        """Its rows at length 1, float32."""
        rows = block.rows([table.column(name) for name in modality.columns])
        return unit_rows(rows) if _sparse.issparse(rows) else unit_dense(rows)

    def fit_transform(self, table: Any, y: Any = None) -> Features:
        """:meth:`fit`, then :meth:`transform`."""
        return self.fit(table).transform(table)

    def _fitted(self) -> Learned:
        if self._learned is None:
            raise NotFittedError("FeatureEncoder is not fitted yet: call fit(table) first")
        return self._learned

    def report(self) -> str:
        """What each column was taken for, what was learned of it, and what was left out.

        Examples
        --------
        >>> beers = {"beer": [1, 2, 3], "style": ["Lager", "Lager", "Stout"], "abv": [5, 4.5, 9], "ibu": [7, None, 8]}
        >>> print(FeatureEncoder(categories="style", numbers="abv").fit(beers).report())
        id          beer
        categories  style: 2 labels
        numbers     abv: mean 6.167, standard deviation 2.014
        left out    ibu (not named)
        """
        if self._learned is None:
            said = [(kind, str(getattr(self, kind))) for kind in KINDS if getattr(self, kind)]
            lines = [("id", str(self.id)), *(said or [("columns", "as fit finds them")])]
            lines += [("left out", _told(self._left_out))] if self._left_out else []
        else:
            modalities, blocks, _, id, left_out = self._learned
            lines = [("id", "none" if id is None else id)]
            for m, block in zip(modalities, blocks, strict=True):
                of = (
                    "" if m.columns == [m.name] else f" of {', '.join(m.columns[:3])}{', ...' if m.columns[3:] else ''}"
                )
                lines.append((m.kind, f"{m.name}{of}: {block.describe()}"))
            lines += [("left out", _told(left_out))] if left_out else []
        return "\n".join(f"{head:<10}  {text}" for head, text in lines)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What was learned: facts that JSON can hold, and arrays by name. A sentence encoder is not among them.

        Examples
        --------
        >>> wines = {"name": ["Vinho Verde", "Verde Branco", "Ruby Port"], "abv": [9.0, 10.0, 19.5]}
        >>> encoder = FeatureEncoder(text="name", numbers="abv").fit(wines)
        >>> facts, arrays = encoder.state()
        >>> sorted(arrays)
        ['0.idf', '1.mean', '1.std']
        >>> again = FeatureEncoder.from_state(facts, arrays)
        >>> bool((again.transform(wines).matrix != encoder.transform(wines).matrix).nnz)
        False
        """
        return pack(self._fitted(), self.get_params())

    @classmethod
    def from_state(cls, facts: Any, arrays: Mapping[str, Any], encoder: Any = None) -> Self:
        """The fitted encoder whose :meth:`state` this is; it transforms to the same bits. Nothing is executed.

        Parameters
        ----------
        facts : dict
        arrays : mapping of str -> ndarray
        encoder : object with ``encode``, or dict of modality -> such an object
            The sentence encoder that it was fitted with, if it was. Another one is told by its vectors.

        Raises
        ------
        ValueError
            If facts and arrays are no such state, or the sentence encoder is missing or another one.
        """
        check_encoder(encoder)
        try:
            params, learned = unpack(facts, dict(arrays), encoder)
            self = cls(**params)
            check_params(params)
            self._learned = learned._replace(weights=self._weights(learned.modalities))
        except (ValueError, TypeError) as error:
            raise ValueError(f"this is no usable state of a FeatureEncoder: {error}") from None
        return self

    def _settings(self, modalities: list[Modality]) -> Settings:
        texts = [m.name for m in modalities if m.kind == "text"]
        encoders = self.encoder if isinstance(self.encoder, Mapping) else dict.fromkeys(texts, self.encoder)
        encoders = {name: encoder for name, encoder in encoders.items() if encoder is not None}
        return Settings(self.separator, self.min_df, self.min_frequency, self.max_features, encoders)

    def _weights(self, modalities: list[Modality]) -> list[float]:
        check_names(modalities, self.get_params())
        return [float((self.weights or {}).get(m.name, 1)) for m in modalities]


def _present(block: Any) -> Array:
    found: Array = np.diff(block.indptr) > 0 if _sparse.issparse(block) else block.any(axis=1)
    return found


def _told(left_out: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({why})" for name, why in left_out.items())
