"""Parameters of SoftmaxRecommender, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._util.validate import check_choice, check_number, check_positive_int, check_seed
from ..inputs import dislikes

if TYPE_CHECKING:
    from .recommender import SoftmaxRecommender

__all__ = ["check"]


def check(model: SoftmaxRecommender) -> None:
    """Raise ValueError or TypeError for parameters that cannot be used."""
    for name in ("factors", "epochs", *(["batch_size"] if model.batch_size is not None else [])):
        check_positive_int(name, getattr(model, name))
    check_number("temperature", model.temperature, 1e-2)
    if model.positive_temperature is not None:
        check_number("positive_temperature", model.positive_temperature, 1e-2)
    check_choice("user_representation", model.user_representation, ("pooled", "embedding"))
    check_choice("normalize", model.normalize, ("unseen", "all"))
    check_choice("lr_schedule", model.lr_schedule, ("cosine", "linear", "constant"))
    for name in ("learning_rate", "user_learning_rate", "weight_decay", "history_dropout", "id_dropout", "eps"):
        check_number(name, getattr(model, name))
    check_number("popularity_exponent", model.popularity_exponent)
    if model.popularity_exponent and model.user_representation == "embedding":
        raise ValueError(
            f"popularity_exponent={model.popularity_exponent!r} goes with user_representation='pooled': leave it 0 "
            "for embeddings"
        )
    for name in ("history_dropout", "id_dropout", "eps"):
        if getattr(model, name) >= 1:
            raise ValueError(f"{name}={getattr(model, name)!r} is a share: it must be below 1")
    for name in ("validation_users", "patience", "random_state"):
        check_seed(name, getattr(model, name))
    check_choice("negative", model.negative, dislikes.CHOICES)
