"""The operations, compiled: the same names as :mod:`attnrec.reference`, which says what is right.

Inputs are arrays of any stride, byte order and real dtype, anything ``numpy.asarray`` or DLPack understands in the
memory of the processor (bfloat16 is read exactly), SciPy's sparse matrices of any format where "sparse" is said, or an
:class:`~attnrec.ItemIndex`. They are converted to float32 once; entries of a sparse matrix that are at one place are
added in float64 before, and count once in a mask. Results are float32; ids are int64. The bits of a result depend on
its inputs alone: not on the number of threads, the batch it was computed in, or the processor.
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
