"""Drop-ins for other libraries' calls. Imports none of them; each function says which extra brings what it needs.

``implicit_topk`` is implicit's search for the best items, ``RecToolsRanker`` RecTools' ranker, ``IndexFlatIP`` FAISS's
exact index, and ``scaled_dot_product_attention`` torch's; ``install`` and ``installed`` let implicit and RecTools
themselves use the first two. ``softmax_cross_entropy`` is a loss for torch: value and gradients of the softmax over all
items, without the logits.
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
