"""Replacement of functions inside other libraries by the drop-ins, and its reversal."""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._util.extras import require
from .implicit_topk import implicit_topk
from .rectools_ranker import RecToolsRanker

# Calls for fewer queries than this stay with implicit: packing the items for each costs more than it saves.
FEW_QUERIES = 128


@dataclass
class _Patch:
    """One attribute of one library, what takes its place, and who wants that now."""

    versions: str  # the beginning of those whose source was read
    version_of: tuple[str, str]
    owner: tuple[str, str]  # module, and the name of a class in it or ""
    attribute: str
    arguments: tuple[str, ...]
    replacement: Callable[[Any, Any], Any]
    extra: str
    installed: bool = False  # by install()
    blocks: int = 0  # of installed() that have not ended
    found: list[Any] = field(default_factory=list)  # owner, original and replacement, while it is in place


def _topk(_module: Any, original: Any) -> Any:
    @functools.wraps(implicit_topk)
    def topk(
        items: Any,
        query: Any,
        k: int,
        item_norms: Any = None,
        filter_query_items: Any = None,
        filter_items: Any = None,
        num_threads: int = 0,
    ) -> Any:
        few = len(query.shape) == 1 or query.shape[0] < FEW_QUERIES
        # Factors that were made float64 are scored in float64, which our kernels do not do.
        search = original if few or query.dtype != np.float32 else implicit_topk
        return search(items, query, k, item_norms, filter_query_items, filter_items, num_threads)

    return topk


def _rank(cls: Any, original: Any) -> Any:
    @functools.wraps(original)
    def rank(
        self: Any,
        subject_ids: Any,
        k: int | None = None,
        filter_pairs_csr: Any = None,
        sorted_object_whitelist: Any = None,
    ) -> Any:
        if self.use_gpu or type(self) is not cls:
            return original(self, subject_ids, k, filter_pairs_csr, sorted_object_whitelist)
        ranker = RecToolsRanker(self.distance, self.subjects_factors, self.objects_factors, self.num_threads)
        return ranker.rank(subject_ids, k, filter_pairs_csr, sorted_object_whitelist)

    return rank


_ALL: dict[str, _Patch] = {
    "implicit": _Patch(
        versions="0.7.",
        version_of=("implicit", "__version__"),
        owner=("implicit.cpu.matrix_factorization_base", ""),
        attribute="topk",
        arguments=("items", "query", "k", "item_norms", "filter_query_items", "filter_items", "num_threads"),
        replacement=_topk,
        extra="compat",
    ),
    "rectools": _Patch(
        versions="0.19.",
        version_of=("rectools.version", "VERSION"),
        owner=("rectools.models.rank", "ImplicitRanker"),
        attribute="rank",
        arguments=("self", "subject_ids", "k", "filter_pairs_csr", "sorted_object_whitelist"),
        replacement=_rank,
        extra="rectools",
    ),
}
_LOCK = threading.RLock()


def install(*libraries: str) -> None:
    """Make other libraries rank with the kernels of attnrec, in this process and until :func:`uninstall`.

    ``"implicit"``: ``recommend``, ``similar_items`` and ``similar_users`` of its factor models on the CPU (ALS, BPR,
    LMF) search with :func:`implicit_topk` in calls for 128 users or items or more with float32 factors, the default
    of implicit; smaller calls, for which packing the items anew would cost more than it saves, stay with implicit.
    ``"rectools"``: ``ImplicitRanker.rank``, by which its factor models, PureSVD and EASE recommend, is replaced by that
    of :class:`RecToolsRanker`. Results differ by rounding, and in the order of equal scores; factors that are
    not finite are left to the libraries.

    Parameters
    ----------
    *libraries : {"implicit", "rectools"}
        Libraries to change, all if none is given; changes that are already in place are kept.

    Raises
    ------
    ValueError
        If a name is not one of these.
    ImportError
        If a library is not installed, or its version or its code is not the one that the replacements were written
        for; nothing is changed in that case.

    Examples
    --------
    >>> from attnrec import compat
    >>> compat.install("lightfm")
    Traceback (most recent call last):
        ...
    ValueError: compat.install: 'lightfm' is none of 'implicit', 'rectools'
    """
    _change("install", libraries, lambda patch: setattr(patch, "installed", True))


def uninstall(*libraries: str) -> None:
    """Undo :func:`install`: the libraries' own functions are put back, the same objects.

    Where a block of :func:`installed` is still running, the functions are put back at its end. Names of libraries that
    are not replaced, or not installed, are allowed.

    Parameters
    ----------
    *libraries : {"implicit", "rectools"}
        Libraries to restore; all if none is given.

    Raises
    ------
    ValueError
        If a name is not one of these.

    Examples
    --------
    >>> from attnrec import compat
    >>> compat.uninstall()
    """
    _change("uninstall", libraries, lambda patch: setattr(patch, "installed", False))


@contextlib.contextmanager
def installed(*libraries: str) -> Iterator[None]:
    """Replace the libraries' functions for a block, which may be nested and run in several threads at once.

    Functions are those of the process: while one thread is in the block, all threads have the replacements, and the
    originals are put back when the last block ends, also by an error.

    Parameters
    ----------
    *libraries : {"implicit", "rectools"}
        Libraries to speed up; all if none is given.

    Yields
    ------
    None
        The block runs with the replacements.

    Raises
    ------
    ValueError
        If a name is not one of these.
    ImportError
        If a library is not installed, or another version or another replacement is found.

    Examples
    --------
    >>> from attnrec import compat
    >>> with compat.installed("lightfm"):
    ...     pass
    Traceback (most recent call last):
        ...
    ValueError: compat.installed: 'lightfm' is none of 'implicit', 'rectools'
    """

    def count(by: int) -> Callable[[_Patch], None]:
        return lambda patch: setattr(patch, "blocks", patch.blocks + by)

    _change("installed", libraries, count(1))
    try:
        yield
    finally:
        _change("installed", libraries, count(-1))


def _change(call: str, libraries: tuple[str, ...], note: Callable[[_Patch], None]) -> None:
    """Note who wants a patch, then put in place what is wanted and put back what is not; all or nothing."""
    for name in libraries:
        if name not in _ALL:
            raise ValueError(f"compat.{call}: {name!r} is none of {', '.join(map(repr, _ALL))}")
    with _LOCK:
        chosen = [_ALL[name] for name in dict.fromkeys(libraries or _ALL)]
        before = [(patch.installed, patch.blocks) for patch in chosen]
        for patch in chosen:
            note(patch)
        try:
            ready = [
                (patch, _checked(patch)) for patch in chosen if (patch.installed or patch.blocks) and not patch.found
            ]
        except BaseException:
            for patch, (was, blocks) in zip(chosen, before, strict=True):
                patch.installed, patch.blocks = was, blocks
            raise
        for patch, (owner, original) in ready:
            patch.found = [owner, original, patch.replacement(owner, original)]
            setattr(owner, patch.attribute, patch.found[2])
        for patch in chosen:
            if patch.found and not patch.installed and not patch.blocks:
                _put_back(patch)


def _checked(patch: _Patch) -> tuple[Any, Any]:
    """What has the attribute, and the attribute, if both are as they were when the replacement was written."""
    module, name = patch.version_of
    library = module.partition(".")[0]
    version = str(getattr(require(module, extra=patch.extra), name, "unknown"))
    known = f"attnrec replaces {library} {patch.versions}x"
    if not version.startswith(patch.versions):
        raise ImportError(f"{known} and found {version}: pip install 'attnrec[{patch.extra}]'")
    module, name = patch.owner
    owner = require(module, extra=patch.extra)
    owner = getattr(owner, name, None) if name else owner
    original = getattr(owner, patch.attribute, None)
    where = ".".join(filter(None, (*patch.owner, patch.attribute)))
    if original is None:
        raise ImportError(f"{known}; this {version} has no {where}")
    try:
        arguments = tuple(inspect.signature(original).parameters)
    except (TypeError, ValueError):
        arguments = ()
    if arguments != patch.arguments:
        raise ImportError(
            f"{known}; {where} of this {version} takes {', '.join(arguments) or 'unknown arguments'} and not "
            f"{', '.join(patch.arguments)}: something else has replaced it"
        )
    return owner, original


def _put_back(patch: _Patch) -> None:
    owner, original, ours = patch.found
    patch.found = []
    if getattr(owner, patch.attribute, None) is ours:
        setattr(owner, patch.attribute, original)
    else:
        warnings.warn(
            f"{'.'.join(filter(None, (*patch.owner, patch.attribute)))} was replaced by something else while attnrec's "
            "stood there; it is left as it is",
            RuntimeWarning,
            stacklevel=5,
        )
