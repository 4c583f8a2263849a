"""Attention-based recommendation at the speed of the hardware."""

from __future__ import annotations

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
