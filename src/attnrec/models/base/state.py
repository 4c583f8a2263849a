"""The state of a fitted model: an immutable snapshot, replaced whole, saved and loaded."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

from ..._util.params import NotFittedError, Params
from ...data import alignment
from ...data.ids import Ids
from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array, no_rows
from ..inputs.outside import Asked, Outside
from ..storage import ids as ids_file
from ..storage import model_file
from ..storage import titles as titles_of
from ..storage.encoders import Encoders

__all__ = ["Fitted", "Stored", "snapshot_read"]

S = TypeVar("S", bound="Stored")
P = ParamSpec("P")
R = TypeVar("R")


def snapshot_read(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Run a method on a snapshot of the state: safe while another thread updates the model."""

    @functools.wraps(method)
    def of_one_state(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self._snapshot(), *args, **kwargs)

    return of_one_state


class Stored(Params):
    """State of what was fitted: arrays, CSR matrices and plain values by name.

    It is replaced in one assignment and never changed in place, so a Ctrl-C during ``fit`` leaves the model as it
    was before, and threads may read while another fits: what is :func:`snapshot_read` reads one state throughout. One
    thread at a time may fit or update.
    """

    _state: dict[str, Any] | None = None
    _encoders: Encoders = Encoders()
    _outside: Outside = Outside()
    _cache: tuple[dict[str, Any] | None, dict[str, Any]] = (None, {})
    _asks = "fit(user_items)"  # what makes it usable

    def _check_params(self) -> None:
        """Raise ValueError or TypeError for parameters that cannot be used."""

    def _check_loaded(self, state: dict[str, Any]) -> None:
        """Raise for a state from a file that ``fit`` would not have made."""
        raise NotImplementedError

    def _fitted(self) -> dict[str, Any]:
        if self._state is None:
            raise NotFittedError(f"{type(self).__name__} is not fitted yet: call {self._asks} first")
        return self._state

    def _derived(self, name: str, make: Callable[[], Any]) -> Any:
        """``make()``, kept for as long as the state is the same one. Threads that are first at once each make it, and
        one of these is kept."""
        kept = self._kept()
        return kept[name] if name in kept else kept.setdefault(name, make())

    def _kept(self) -> dict[str, Any]:
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
            for value in self._fitted().values()
            for part in ((value.data, value.indices, value.indptr) if hasattr(value, "indptr") else (value,))
        ]
        return sum(part.nbytes for part in arrays if hasattr(part, "nbytes"))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_cache"}

    @snapshot_read
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one safetensors file.

        A temporary file in the same folder is moved to ``path`` when it is whole, so a crash leaves the old file. The
        same model gives the same bytes. The file also has the encoders of the features that the model was fitted with,
        except for sentence encoders, and the outside ids of its users and items, if they are numbers, text or tuples of
        these; for others there is a UserWarning, and the loaded model has none.

        Parameters
        ----------
        path : path
            File to write; an old one is replaced.

        Raises
        ------
        ValueError
            If the model is not fitted, or a parameter is not a plain value.
        OSError
            If the folder is missing or cannot be written to.
        """
        self._write(path, self._outside)

    def _write(self, path: str | os.PathLike[str], outside: Outside) -> None:
        """One file of the state, the encoders, and what is known of outside ids and titles, in one write."""
        ids, lost = ids_file.packed(outside)
        if lost:
            alignment.warn(
                f"save: the file can not hold the {' and '.join(lost)} ids, which are neither numbers nor text nor "
                "tuples of these: what comes later to the model that is loaded is joined by number"
            )
        state = self._fitted() | self._encoders.entries() | ids
        model_file.write(path, type(self).__name__, self.get_params(), state)

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap: bool = True, *, encoder: Any = None) -> Self:
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
        header, state = model_file.read(path, mmap=mmap)
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
            encoders, outside = Encoders.taken(state, encoder), ids_file.taken(state)
            model._check_loaded(state)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{os.fspath(path)!r} does not hold a usable {cls.__name__} ({error}). Fit the model again and save it"
            ) from None
        model._state, model._encoders, model._outside = state, encoders, outside
        return model


class Fitted(Stored):
    """State of an estimator: always with CSR ``histories``.

    Class attributes
    ----------------
    accepted_inputs : frozenset of str
        The optional inputs that the estimator uses, out of ``user_features``, ``item_features``, ``item_vectors``,
        ``sample_weight``, ``tune`` and ``checkpoint``; it refuses the others.
    updates_are_exact : bool
        Whether ``partial_fit_users`` and ``partial_fit_items`` give the model that ``fit`` on the changed histories
        would, at the cost of learning again. Where it is False they are cheap and approximate: they change the vectors
        of the named users or items alone, and everything else stays as it was learned until the next ``fit``.
    scores_are_shares : bool
        Whether scores that are not ratings are fractions of 1, such as of the attention on who has an item.
    """

    accepted_inputs: ClassVar[frozenset[str]] = frozenset()
    updates_are_exact: ClassVar[bool] = True
    scores_are_shares: ClassVar[bool] = True

    # Hooks of an estimator.

    def _layout(self, shape: tuple[int, int], nnz: int, state: dict[str, Any]) -> dict[str, Any]:
        """What the state must look like for histories of this shape, plain values first (see :func:`checks.fits`)."""
        raise NotImplementedError

    def _check_state(self, state: dict[str, Any]) -> None:
        """Raise ValueError for plain values that :meth:`_learn` would not have stored."""

    # What is built on them.

    @snapshot_read
    def save(self, path: str | os.PathLike[str], *, titles: Any = None) -> None:
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
            Titles of the items: by outside id (by row number in a model that was fitted with a matrix), or one for each
            item in the order of ``item_ids``, or the table that :func:`attnrec.data.read_items` gives. Items without
            one are shown by their id. By default those of ``item_titles``.

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
            outside = replace(outside, titles=titles_of.checked(titles, outside.item or Ids(range(self.n_items))))
        self._write(path, outside)

    def _check_loaded(self, state: dict[str, Any]) -> None:
        histories = state["histories"]
        layout = self._layout(histories.shape, len(histories.data), state)
        if "negative" in self._param_names():
            layout |= dislikes.layout(state)
        checks.fits(state, layout)
        self._check_state(state)

    @property
    def user_items(self) -> Any:
        """Histories that the model learned from, (users, items) CSR of float32; not to be changed."""
        return self._fitted()["histories"]

    @property
    def disliked(self) -> Any:
        """Dislikes: stored values below 0 that are hidden from their users and not learned from.

        It is a (users, items) CSR of float32, not to be changed; see the parameter ``negative`` of estimators.
        """
        s = self._fitted()
        return s.get("disliked", no_rows(*s["histories"].shape))

    def _negative(self) -> str:
        """What becomes of values below 0 in histories that are given."""
        return str(self._fitted().get("negative", "interaction"))

    def _everything(self) -> CSR:
        """The histories with what is disliked."""
        s = self._fitted()
        if "disliked" not in s:
            return s["histories"]
        return self._derived("everything", lambda: dislikes.together(s["histories"], s["disliked"]))

    @property
    def user_ids(self) -> Ids | None:
        """Outside ids of the users by number, from the Interactions that the model was fitted with.

        Later inputs with ids are joined by them. It is None if the model was fitted with a matrix. A user added without
        an id has a placeholder that equals no other id.
        """
        return self._outside.user

    @property
    def item_ids(self) -> Ids | None:
        """Outside ids of the items by number, as :attr:`user_ids`."""
        return self._outside.item

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

    def _asked(self, side: str, at: Array) -> Asked:
        """These "user" or "item" rows, by outside id as far as these are known."""
        return Asked(self._outside, side, at, self.n_users if side == "user" else self.n_items)

    def _rows_for(
        self, name: str, given: Any, asked: Asked, fitted: CSR | None = None, negative: str = "interaction"
    ) -> CSR:
        """Rows of the users or items asked about: of Interactions by id, else as :func:`checks.rows_for` finds them."""
        rows, aligned = asked.rows(name, given)
        shape = (self.n_users, self.n_items) if asked.side == "user" else (self.n_items, self.n_users)
        return checks.rows_for(
            name,
            rows,
            asked.at,
            shape,
            ids_name=f"{asked.side}id",
            fitted=fitted,
            negative=negative,
            aligned=aligned,
        )

    @property
    def n_users(self) -> int:
        """Users that the model was fitted with."""
        return int(self._fitted()["histories"].shape[0])

    @property
    def n_items(self) -> int:
        """Items that the model was fitted with."""
        return int(self._fitted()["histories"].shape[1])

    @property
    def predicts_ratings(self) -> bool:
        """Whether scores are ratings on the scale of the data, rather than numbers that only rank."""
        self._fitted()
        return False
