"""Calls that a drop-in refuses and passes on to the original library."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

__all__ = ["handed_over"]

T = TypeVar("T")


def handed_over(refused: Exception, original: Callable[[], T]) -> T:
    """What the other library answers; what was refused where it is not installed or refuses too.

    Parameters
    ----------
    refused : Exception
        What our kernels said.
    original : callable
        Imports the other library and calls it as the drop-in was called. To be given for what it is safe with: some
        read beyond their arrays where ids are out of range or shapes do not fit, which are refused before.
    """
    try:
        return original()
    except MemoryError:
        raise
    except Exception as error:
        raise refused from (None if isinstance(error, ImportError) else error)
