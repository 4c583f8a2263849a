"""Base class of everything with a ``fit``: parameters as in scikit-learn, and NotFittedError."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["NotFittedError", "Params"]


class NotFittedError(ValueError, AttributeError):
    """The estimator was used before ``fit``."""


class Params:
    """``get_params``, ``set_params`` and a repr, read off the constructor's signature; ``sklearn.base.clone`` works.

    The constructor stores its arguments as they came.
    """

    @classmethod
    def _param_names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments of the constructor by name.

        Parameters
        ----------
        deep : bool
            Ignored, because no parameter is an estimator; scikit-learn passes it.

        Returns
        -------
        dict of str -> object
            Values of the parameters.
        """
        return {name: getattr(self, name) for name in self._param_names()}

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name; they take effect at the next ``fit``.

        Parameters
        ----------
        **params
            New values of parameters of the constructor.

        Returns
        -------
        estimator
            This object.

        Raises
        ------
        ValueError
            If there is no parameter of that name.
        """
        names = self._param_names()
        for name in params:
            if name not in names:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}: it has {', '.join(names)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = inspect.signature(type(self)).parameters
        changed = (f"{k}={v!r}" for k, v in self.get_params().items() if v != default[k].default)
        return f"{type(self).__name__}({', '.join(changed)})"
