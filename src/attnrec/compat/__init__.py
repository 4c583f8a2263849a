"""Drop-in replacements for functions of other libraries, which are imported only when they are needed.

``implicit_topk`` replaces the top-k search of implicit, ``RecToolsRanker`` the ranker of RecTools, ``IndexFlatIP``
the exact index of FAISS, and ``scaled_dot_product_attention`` the function of torch; ``install`` and ``installed``
make implicit and RecTools use the first two. ``softmax_cross_entropy`` is a loss for torch: value and gradients of
the softmax over all items, without the logits.
"""

from __future__ import annotations

from .flat_index import IndexFlatIP
from .implicit_topk import implicit_topk
from .patches import install, installed, uninstall
from .rectools_ranker import RecToolsRanker
from .torch_attention import scaled_dot_product_attention
from .torch_loss import softmax_cross_entropy

__all__ = [
    "IndexFlatIP",
    "RecToolsRanker",
    "implicit_topk",
    "install",
    "installed",
    "scaled_dot_product_attention",
    "softmax_cross_entropy",
    "uninstall",
]
