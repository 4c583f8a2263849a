"""Attention-based recommendation at the speed of the hardware."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import config, reference
from .config import (
    backend,
    get_include,
    isa,
    memory_budget,
    num_threads,
    set_backend,
    set_memory_budget,
    set_num_threads,
    show_config,
    thread_limit,
)
from .index import ItemIndex, Searcher
from .ops import (
    adam_step,
    attend,
    attention_matrix,
    dot_product,
    predict_ratings,
    sampled_product,
    score_pairs,
    similarity,
    softmax_cross_entropy,
    topk,
)
from .reference import CrossEntropy, TopK

if TYPE_CHECKING:
    from .serving import Bundle

__version__ = "0.1.0"

__all__ = [
    "CrossEntropy",
    "ItemIndex",
    "Searcher",
    "TopK",
    "__version__",
    "adam_step",
    "attend",
    "attention_matrix",
    "backend",
    "config",
    "dot_product",
    "get_include",
    "isa",
    "load",
    "memory_budget",
    "num_threads",
    "predict_ratings",
    "reference",
    "sampled_product",
    "score_pairs",
    "set_backend",
    "set_memory_budget",
    "set_num_threads",
    "show_config",
    "similarity",
    "softmax_cross_entropy",
    "thread_limit",
    "topk",
]


def load(path: str | os.PathLike[str], mmap: bool = True, *, encoder: Any = None) -> Bundle:
    """Open a model that ``save`` wrote, to recommend in outside ids: :func:`attnrec.serving.load`.

    Parameters
    ----------
    path : path
        File that ``model.save(path, titles=...)`` or ``attnrec fit -o`` wrote.
    mmap : bool
        Whether to leave the arrays in the file, where processes that load it share them.
    encoder : object with ``encode``, or dict of modality -> such an object, optional
        Sentence encoder of the features that the model was fitted with, if they have one.

    Returns
    -------
    attnrec.serving.Bundle
        Recommends in outside ids; in row numbers if the model was fitted with a matrix, which has no ids.

    Raises
    ------
    ImportError
        If SciPy, safetensors or pyarrow is missing; the message names the extra that installs it.
    ValueError
        If the file is truncated, damaged, of another format, or of an estimator that this version does not have.
    """
    from . import serving  # what a model needs besides NumPy is imported here, and not by "import attnrec"

    return serving.load(path, mmap=mmap, encoder=encoder)
