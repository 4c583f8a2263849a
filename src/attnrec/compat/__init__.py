"""Drop-ins for other libraries' calls. Imports none of them; each function says which extra brings what it needs.

``softmax_cross_entropy`` is a loss for torch: value and gradients of the softmax over all items, without the logits.
"""

from __future__ import annotations

from .torch_loss import softmax_cross_entropy

__all__ = ["softmax_cross_entropy"]
