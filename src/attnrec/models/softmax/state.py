"""What a fitted SoftmaxRecommender holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from ..base.state import FittedState
from ..content.attribution import checked
from ..inputs.histories import CSR, Array
from ..storage.fields import Part, of
from . import vectors

__all__ = ["Popularity", "SoftmaxState", "Tower", "UserTower"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Tower:
    """Features of one side, and what was learned of them.

    Attributes
    ----------
    features
        What each column adds to a vector.
    content
        The features themselves.
    columns
        What their columns are called, as JSON.
    """

    features: Annotated[Array, of("float32", "columns", "d")]
    content: Annotated[CSR | Array, of("float32", "rows", "columns")]
    columns: str

    def known(self) -> Array:
        """(rows,) bool: of whom features are known."""
        x = self.content
        return np.asarray(x.any(axis=1) if isinstance(x, np.ndarray) else np.diff(x.indptr) > 0)


@dataclass(frozen=True, eq=False, kw_only=True)
class UserTower(Tower):
    """That of users.

    Attributes
    ----------
    part
        What the features of fitted users add to their vectors.
    """

    part: Annotated[Array, of("float32", "rows", "d")]


@dataclass(frozen=True, eq=False, kw_only=True)
class Popularity:
    """What scores of items start from."""

    item_bias: Annotated[Array, of("float32", "items")]
    popularity_exponent: float


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftmaxState(FittedState):
    """Histories, vectors of items and users, and towers over features.

    Attributes
    ----------
    user_representation
        Whether users are pooled from their histories, or had embeddings in training and are folded in.
    normalize, temperature, lse_weight
        The loss that embedded users go down.
    items, user_rows
        Vectors, not normalised.
    average
        The mean user, of length 1.
    given_items
        Items that stand where a given vector put them, ascending.
    item, user
        Towers over features of items and of users.
    """

    user_representation: Literal["pooled", "embedding"]
    normalize: Literal["unseen", "all"]
    temperature: float
    lse_weight: float
    items: Annotated[Array, of("float32", "items", "d")]
    user_rows: Annotated[Array, of("float32", "users", "d")]
    average: Annotated[Array, of("float32", "d")]
    given_items: Annotated[Array | None, of("int64", "given")] = None
    popularity: Annotated[Popularity | None, Part()] = None
    item: Annotated[Tower | None, Part("item_", "items")] = None
    user: Annotated[UserTower | None, Part("user_", "users")] = None

    @property
    def loss(self) -> vectors.Loss:
        """The loss that embedded users go down."""
        return vectors.Loss(self.temperature, self.lse_weight, self.normalize)

    @property
    def item_bias(self) -> Array | None:
        """(items,) what scores start from, if anything."""
        return None if self.popularity is None else self.popularity.item_bias

    def known_users(self) -> Array:
        """(users,) bool: of whom features are known."""
        return super().known_users() if self.user is None else self.user.known()

    def known_items(self) -> Array:
        """(items,) bool: of which features or vectors are known."""
        out = super().known_items() if self.item is None else self.item.known()
        if self.given_items is not None:
            out[self.given_items] = True
        return out

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        super().check()
        if self.temperature < 1e-2:
            raise ValueError(f"temperature is {self.temperature}")
        for tower in (self.user, self.item):
            if tower is not None:
                checked(tower.columns, len(tower.features))
        n_items = self.histories.shape[1]
        if self.given_items is not None and (np.diff(self.given_items, prepend=-1, append=n_items) < 1).any():
            raise ValueError("given_items are not ascending ids of items")
