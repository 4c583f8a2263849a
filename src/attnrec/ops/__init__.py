"""The compiled operations, with the names of :mod:`attnrec.reference`, their specification.

Inputs are arrays of any stride, byte order and real dtype, any object in main memory that ``numpy.asarray`` or DLPack
reads (bfloat16 is read exactly), SciPy's sparse matrices of any format where a parameter accepts them, or an
:class:`~attnrec.ItemIndex`. They are converted to float32 once; repeated entries of a sparse matrix are
summed in float64 first, and count once in a mask. Results are float32; ids are int64. The bits of a result depend on
its inputs alone: not on the number of threads, the batch, or the processor.
"""

from __future__ import annotations

from .attention import attend, attention_matrix, predict_ratings
from .retrieve import topk
from .scores import dot_product, sampled_product, score_pairs, similarity
from .train import adam_step, softmax_cross_entropy

__all__ = [
    "adam_step",
    "attend",
    "attention_matrix",
    "dot_product",
    "predict_ratings",
    "sampled_product",
    "score_pairs",
    "similarity",
    "softmax_cross_entropy",
    "topk",
]
