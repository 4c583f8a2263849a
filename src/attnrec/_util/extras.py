"""Import of optional packages at their first use. Imports the standard library alone."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

__all__ = ["is_installed", "require"]


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
