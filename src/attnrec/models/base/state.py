"""The state of a fitted model: an immutable snapshot, replaced whole, saved and loaded."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Concatenate, Generic, Literal, ParamSpec, Protocol, Self, TypeVar, cast

import numpy as np

from ..._util.params import NotFittedError, Params
from ...data import alignment
from ..inputs import dislikes
from ..inputs.histories import CSR, Array
from ..inputs.outside import Outside
from ..inputs.rating_scale import Scale
from ..storage import fields, model_file
from ..storage import ids as ids_file
from ..storage.encoders import Encoders
from ..storage.fields import State, of

__all__ = ["Declared", "FittedState", "Negative", "Stored", "snapshot_read"]

Declared = Literal["explicit", "implicit", "unknown"]
Negative = Literal["seen", "ignore", "interaction"]

M = TypeVar("M", bound="_Momentary")
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
StateT_co = TypeVar("StateT_co", bound=State, covariant=True)


class _Momentary(Protocol):
    def _snapshot(self) -> Self: ...


def snapshot_read(method: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """Run a method on a snapshot of the state: safe while another thread updates the model."""

    @functools.wraps(method)
    def of_one_state(self: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self._snapshot(), *args, **kwargs)

    return of_one_state


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedState(State):
    """What every estimator of recommendations holds.

    Attributes
    ----------
    histories
        What was learned from.
    declared
        What the source of the histories said that they are.
    negative
        What became of values below 0; None for estimators without the parameter.
    disliked
        Values below 0 that are hidden from their users, if there are any.
    """

    histories: Annotated[CSR, of("float32", "users", "items")]
    declared: Declared
    negative: Negative | None = None
    disliked: Annotated[CSR | None, of("float32", "users", "items")] = None

    def sizes(self) -> dict[str, int]:
        """Sizes that the shapes of arrays are told in, by name."""
        users, items = self.histories.shape
        return {"users": users, "items": items, "entries": len(self.histories.data)}

    def rating_scale(self) -> Scale | None:
        """The scale of ratings, of estimators that predict them."""
        return None

    def known_items(self) -> Array:
        """(items,) bool: of which features or vectors are known."""
        return np.zeros(self.histories.shape[1], dtype=bool)

    def known_users(self) -> Array:
        """(users,) bool: of whom features are known."""
        return np.zeros(self.histories.shape[0], dtype=bool)

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        dislikes.check(self.histories, self.disliked, self.negative)


class Stored(Params, Generic[StateT_co]):
    """State of what was fitted, a frozen dataclass of arrays, CSR matrices and plain values.

    It is replaced in one assignment and never changed in place, so a Ctrl-C during ``fit`` leaves the model as it
    was before, and threads may read while another fits: what is :func:`snapshot_read` reads one state throughout. One
    thread at a time may fit or update.
    """

    _holds: type[StateT_co]
    _state: StateT_co | None = None
    _encoders: Encoders = Encoders()
    _outside: Outside = Outside()
    _cache: tuple[State | None, dict[str, object]] = (None, {})
    _asks = "fit(user_items)"  # what makes it usable

    def _check_params(self) -> None:
        """Raise ValueError or TypeError for parameters that cannot be used."""

    def _of_entries(self, entries: fields.Entries) -> StateT_co:
        """The state that a file holds; raises for one that ``fit`` would not have made."""
        return fields.read(self._holds, entries)

    def _fitted(self) -> StateT_co:
        if self._state is None:
            raise NotFittedError(f"{type(self).__name__} is not fitted yet: call {self._asks} first")
        return self._state

    def _derived(self, name: str, make: Callable[[], T]) -> T:
        """``make()``, kept for as long as the state is the same one. Threads that are first at once each make it, and
        one of these is kept."""
        kept = self._kept()
        found = kept[name] if name in kept else kept.setdefault(name, make())
        return cast(T, found)  # a name is always made in one way

    def _kept(self) -> dict[str, object]:
        """What was derived from the state."""
        state = self._fitted()
        owner, kept = self._cache
        if owner is not state:
            kept = {}
            self._cache = (state, kept)
        return kept

    def _snapshot(self) -> Self:
        """The model with the state of this moment, for good; what is derived from it is kept for both."""
        self._kept()
        out = type(self).__new__(type(self))
        out.__dict__.update(self.__dict__)  # state, encoders and parameters as they are between two updates
        return out

    @property
    @snapshot_read
    def nbytes(self) -> int:
        """Bytes of the arrays that the model holds; the file that :meth:`save` writes is a little larger."""
        arrays = [
            part
            for value in fields.entries(self._fitted()).values()
            for part in (
                [getattr(value, n) for n in ("data", "indices", "indptr")] if hasattr(value, "indptr") else [value]
            )
        ]
        return sum(part.nbytes for part in arrays if isinstance(part, np.ndarray))

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k != "_cache"}

    @snapshot_read
    def save(self, path: str | os.PathLike[str], *, titles: object = None) -> None:
        """Write the fitted model to one safetensors file, with the outside ids of its users and items.

        The file is written next to ``path``, synced and moved there when whole, so a crash leaves the old file. Equal
        models give equal bytes. The encoders of the features that it was fitted with are in the file too, except for
        sentence encoders, and so are the outside ids, if they are numbers, text or tuples of these; of others a
        UserWarning tells, and the model that is loaded has none. :func:`attnrec.load`, the command line and programs
        in C open the same file, and recommend in outside ids.

        Parameters
        ----------
        path : path
            File to write; its folder has to be there.
        titles : Mapping, sequence, array or attnrec.data.Items, optional
            Titles of the items of an estimator: by outside id (by row number in a model that was fitted with a
            matrix), or one for each item in the order of ``item_ids``, or the table that
            :func:`attnrec.data.read_items` gives. Items without one are shown by their id. By default those of
            ``item_titles``.

        Raises
        ------
        ValueError
            If the model is not fitted, a parameter is not a plain value, or ``titles`` does not fit the items.
        TypeError
            If ``titles`` is none of these, or a title is not text.
        OSError
            If the folder is missing or cannot be written to.

        Examples
        --------
        >>> import tempfile
        >>> import attnrec
        >>> from attnrec.data import Interactions
        >>> from attnrec.models import NeighbourAttention
        >>> model = NeighbourAttention().fit(Interactions.from_arrays(["ann", "bob", "bob"], [7, 7, 9]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.safetensors", titles={7: "Heat", 9: "Alien"})
        ...     attnrec.load(f"{folder}/model.safetensors", mmap=False).model.item_titles
        ['Heat', 'Alien']
        """
        outside = self._outside
        if titles is not None:
            outside = replace(outside, titles=self._titles_of_items(titles))
        self._write(path, outside)

    @property
    def item_titles(self) -> list[str] | None:
        """Titles of the items by number, from the file that the model was loaded from.

        An item without a title has its id as text; None if the file has no titles, or the model was not loaded.
        """
        outside = self._outside
        if outside.titles is None:
            return None
        names = range(len(outside.titles)) if outside.item is None else outside.item
        return [title or str(name) for title, name in zip(outside.titles, names, strict=True)]

    def _titles_of_items(self, titles: object) -> tuple[str, ...]:
        """``titles`` in the order of the items; raises for what has none."""
        raise TypeError(f"titles: a {type(self).__name__} keeps no items that could have any; leave it out")

    def _write(self, path: str | os.PathLike[str], outside: Outside) -> None:
        """One file of the state, the encoders, and what is known of outside ids and titles, in one write."""
        ids, lost = ids_file.packed(outside)
        if lost:
            alignment.warn(
                f"save: the file can not hold the {' and '.join(lost)} ids, which are neither numbers nor text nor "
                "tuples of these: what comes later to the model that is loaded is joined by number"
            )
        entries = fields.entries(self._fitted()) | self._encoders.entries() | ids
        model_file.write(path, type(self).__name__, self.get_params(), entries)

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap: bool = True, *, encoder: object = None) -> Self:
        """Read a model that :meth:`save` wrote; its results have the same bits. Nothing in the file is executed.

        Parameters
        ----------
        path : path
            File to read.
        mmap : bool
            Map the arrays of the file into memory, which processes that load it share. The file may be replaced by
            another ``save`` in the meantime, but not written to in place.
        encoder : object with ``encode``, or dict of modality -> object with ``encode``, optional
            Sentence encoder of the features that the model was fitted with, if they have one: it is not stored, and
            raw tables are encoded only with it.

        Returns
        -------
        the estimator
            The fitted model.

        Raises
        ------
        ValueError
            If the file is truncated, damaged, of another format, or holds another estimator or parameters of another
            version; the message names it.
        """
        header, entries = model_file.read(path, mmap=mmap)
        if header["class"] != cls.__name__:
            raise ValueError(
                f"{os.fspath(path)!r} holds {header['class']:.60}, not {cls.__name__}: use attnrec.models.load(path)"
            )
        former = sorted(header["params"].keys() - cls._param_names())
        if former:
            raise ValueError(
                f"{os.fspath(path)!r} holds parameters of another version of attnrec ({str(former)[1:-1]:.200}), whose "
                f"{cls.__name__} this one does not read: fit the model and save it again with this version"
            )
        try:
            model = cls(**header["params"])
            model._check_params()
            encoders, outside = Encoders.taken(entries, encoder), ids_file.taken(entries)
            state = model._of_entries(entries)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} does not hold a usable {cls.__name__} ({error}). Fit the model again and save it"
            ) from None
        model._state, model._encoders, model._outside = state, encoders, outside
        return model
