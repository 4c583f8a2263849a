"""FeatureEncoder: encoding of tables as features, and its state for model files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from .._util.extras import require
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

_sparse = require("scipy.sparse", extra="features")


class FeatureEncoder(Params):
    """Encode a table about items or users as features, a block of columns for each modality.

    A modality is one column of the table, or several columns about one subject. Each argument from ``text`` to
    ``vectors`` is a column, a list of columns (each a modality), or a dict of modality -> column or columns.
    Without any of them ``fit`` guesses from the types and content of the columns; :meth:`report` lists its guesses.

    Parameters
    ----------
    text : str, list of str or dict
        Columns of text, encoded by ``encoder`` or TF-IDF, ``(1 + ln tf) (ln((1 + n) / (1 + df)) + 1)``, of lower-case
        words without accents (``TfidfVectorizer(sublinear_tf=True)``; Manning, Raghavan and Schütze, 2008, 6.4).
    categories : str, list of str or dict
        Columns of text, numbers or booleans with one label in each cell, encoded one-hot.
    multi : str, list of str or dict
        Columns with several labels in each cell: lists, text with a ``separator``, or text that spells a list.
    numbers : str, list of str or dict
        Columns of numbers, encoded as ``(z, 1) / sqrt(z^2 + 1)`` with ``z = (x - mean) / std``: at length 1 it keeps
        the size of a number, and the product of two is ``cos(arctan z1 - arctan z2)``.
    dates : str, list of str or dict
        Columns of dates, times or ISO 8601 text, encoded as days since 1970 like a number, and by sine and cosine of
        the position in the year and in the week.
    vectors : str, list of str or dict
        Columns of lists or arrays of one width, or of single numbers (``{"image": "img_*"}`` by a pattern), unchanged.
    id : str, False or None
        Column of ids, kept as ``Features.ids``; None takes one with a common header and distinct values, if there is
        one, and False uses none.
    encoder : object with ``encode(list of str) -> (n, width) array``, or dict of modality -> such an object
        Encoder that replaces TF-IDF, such as a ``SentenceTransformer``; a dict names the modalities that it applies to.
    separator : str or dict of column -> str
        Text between the labels of ``multi``; ``"|"`` for columns that a dict does not name.
    weights : dict of modality -> number, optional
        Weight of each modality, 0 or more and 1 if not given: blocks are multiplied by ``sqrt(weight)``, so that the
        product of two rows is the weighted sum of cosines. A larger one makes a modality count more.
    min_df : int
        Least number of texts that must hold a word, at least 1; a larger one drops more rare words.
    min_frequency : int
        Least number of rows that must hold a label, at least 1; rarer labels share one column, ``other``.
    max_features : int
        Largest number of words of a text, and of labels of a column, at least 1; the most frequent ones are kept.

    Notes
    -----
    A cell is missing if it is None, NaN, NaT, NA or empty. A modality is missing in a row where its cells are, where
    ``fit`` saw none of its words or labels, or where a vector has no length: zeros in the matrix, False in ``present``.
    The block of a modality has length 1 in every row where it is present. The features of a row depend on that row
    alone, to the bit (unless the ``encoder`` does otherwise).

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
        """Make an unfitted encoder with modalities guessed from the types and content of the columns.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path
            Table whose columns are examined.
        **settings
            Other arguments of the encoder, such as ``id``, ``separator`` and ``weights``.

        Returns
        -------
        FeatureEncoder
            An encoder with the guesses as its parameters.

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
            Table with a row for each item or user, at least one.
        y : ignored
            Not used; scikit-learn's pipelines pass it.

        Returns
        -------
        FeatureEncoder
            This encoder, fitted.

        Raises
        ------
        ValueError
            If a column is unknown (the message gives the nearest), two modalities have one name, a modality is missing
            in every row, a number is infinite, vectors differ in width, or the table has no rows.
        TypeError
            If a column of text holds something else, a category is a list, or the input is not a table.
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
        """Encode a table with the columns that ``fit`` saw; further columns are ignored.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path
            Table with a row for each item or user to encode.
        ids : bool or None
            Whether to keep the ids of the rows, for which the table needs the column of ids; None keeps them where it
            has one that is not empty.

        Returns
        -------
        Features
            Features of the rows in float32: CSR, or dense if there are only numbers, dates, vectors and sentence
            encodings.

        Raises
        ------
        ValueError
            If a column is missing, a number is infinite, or vectors differ in width from those of ``fit``; a modality
            may be missing in every row. NotFittedError before ``fit``.
        TypeError
            If a column of text holds something else, a category is a list, or the input is not a table.
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
        """Fit to a table and encode it: :meth:`fit`, then :meth:`transform`.

        Parameters
        ----------
        table : data frame, dict of columns, Items or path
            Table with a row for each item or user, at least one.
        y : ignored
            Not used; scikit-learn's pipelines pass it.

        Returns
        -------
        Features
            Features of the rows.
        """
        return self.fit(table).transform(table)

    def _fitted(self) -> Learned:
        if self._learned is None:
            raise NotFittedError("FeatureEncoder is not fitted yet: call fit(table) first")
        return self._learned

    def report(self) -> str:
        """Describe the kind of each column, what was learned from it, and which columns were left out.

        Returns
        -------
        str
            One line for each column.

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
        """Export what was learned: facts that JSON can hold, and arrays by name, without sentence encoders.

        Returns
        -------
        facts : dict
            Parameters and learned facts.
        arrays : dict of str -> ndarray
            Learned arrays.

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
        """Restore the fitted encoder from its :meth:`state`; it encodes to the same bits, and no code is executed.

        Parameters
        ----------
        facts : dict
            Facts of the state.
        arrays : mapping of str -> ndarray
            Arrays of the state.
        encoder : object with ``encode``, or dict of modality -> such an object
            Sentence encoder that it was fitted with, if any; a different one is detected by its vectors.

        Returns
        -------
        FeatureEncoder
            A fitted encoder.

        Raises
        ------
        ValueError
            If facts and arrays are not the state of an encoder, or the sentence encoder is missing or a different one.
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
