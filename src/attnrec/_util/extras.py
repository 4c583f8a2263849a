"""Import of optional packages at their first use. Imports the standard library alone."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

__all__ = ["frame_backend", "is_installed", "require"]


def require(name: str, *, extra: str) -> Any:
    """Import an optional module, or say which extra brings it.

    Parameters
    ----------
    name : str
        Module, dotted or not, such as ``"pyarrow.csv"``.
    extra : str
        The extra of attnrec that installs it.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If the package is not installed; the message gives the command that installs it. A package that is there and
        fails to import keeps its own error.

    Examples
    --------
    >>> require("json", extra="data").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise ImportError(
            f"{package} is needed for this and is not installed: pip install 'attnrec[{extra}]'"
        ) from error


def is_installed(name: str) -> bool:
    """Whether the top-level package ``name`` is installed; it is not imported.

    Examples
    --------
    >>> is_installed("json"), is_installed("no_such_package")
    (True, False)
    """
    return importlib.util.find_spec(name) is not None


def frame_backend(backend: str | None) -> str:
    """The package to make a frame with: pandas, polars or pyarrow, the first that is installed unless told.

    Raises
    ------
    ValueError, ImportError
        If it is none of these, or not installed.

    Examples
    --------
    >>> frame_backend("polars")
    'polars'
    """
    if backend is None:
        backend = next((name for name in ("pandas", "polars") if is_installed(name)), "pyarrow")
    if backend not in ("pandas", "polars", "pyarrow"):
        raise ValueError(f"backend={backend!r} is not 'pandas', 'polars' or 'pyarrow'")
    require(backend, extra="data")
    return backend
