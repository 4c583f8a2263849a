"""The estimators, which share the interface of ``Recommender``, and ContentBridge, which makes vectors of new items."""

from __future__ import annotations

import os
from typing import Any

from .._util.params import NotFittedError
from .base.recommender import Recommender
from .base.state import Stored
from .bridge import ContentBridge
from .kernel_explicit import KernelAttentionRegressor
from .kernel_implicit import KernelAttentionRecommender
from .neighbours import NeighbourAttention
from .softmax import SoftmaxRecommender
from .storage import model_file

__all__ = [
    "ContentBridge",
    "KernelAttentionRecommender",
    "KernelAttentionRegressor",
    "NeighbourAttention",
    "NotFittedError",
    "Recommender",
    "SoftmaxRecommender",
    "load",
]


def load(path: str | os.PathLike[str], mmap: bool = True, *, encoder: object = None) -> Any:
    """Read any model that an estimator's ``save`` wrote. Nothing in the file is executed.

    Parameters
    ----------
    path : path
        File that an estimator's ``save`` wrote.
    mmap : bool
        Map the arrays of the file into memory, which processes that load it share. Each process has its own copy of
        what a model derives from them when it first recommends: for a :class:`SoftmaxRecommender` the item vectors at
        length 1 and packed, twice ``4 n d`` bytes. Processes share packed vectors through
        ``ItemIndex(model.item_vectors).save(path)`` and :meth:`attnrec.ItemIndex.open`.
    encoder : object with ``encode``, or dict of modality -> object with ``encode``, optional
        Sentence encoder of the features that the model was fitted with, if they have one.

    Returns
    -------
    the estimator
        The fitted model, of the class that the file names.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, of another format, or of an estimator or with parameters that this version
        does not have.

    Examples
    --------
    >>> import tempfile
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import NeighbourAttention, load
    >>> model = NeighbourAttention().fit(csr_array([[1, 1, 0], [0, 1, 1]]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors")
    ...     load(f"{folder}/model.safetensors", mmap=False)
    NeighbourAttention()
    """
    name = model_file.read_header(path)["class"]
    known = {k: v for k, v in globals().items() if k in __all__ and isinstance(v, type) and issubclass(v, Stored)}
    known.pop("Recommender")
    if name not in known:
        raise ValueError(
            f"{os.fspath(path)!r} holds a model of {name!r:.60}; this version of attnrec has "
            f"{', '.join(sorted(known))}. Use the version of attnrec that wrote it"
        )
    return known[name].load(path, mmap=mmap, encoder=encoder)
