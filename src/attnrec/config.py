"""Settings of the process: threads, instruction set, memory budget and backend."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "backend",
    "get_include",
    "isa",
    "memory_budget",
    "num_threads",
    "processors",
    "set_backend",
    "set_memory_budget",
    "set_num_threads",
    "show_config",
    "thread_limit",
]

_BACKENDS = ("compiled", "reference")
_backend = os.environ.get("ATTNREC_BACKEND") or "compiled"

try:
    from . import _core
except ImportError as error:
    if _backend != "reference":
        raise ImportError(
            f"attnrec's compiled extension did not load ({error}). Reinstall with a wheel or a C++17 compiler at hand "
            "('pip install --force-reinstall attnrec'), or set ATTNREC_BACKEND=reference to run on NumPy alone."
        ) from error


DEFAULT_MEMORY_BUDGET = 1 << 30
_limits: list[list[int]] = []  # for each thread_limit block that is running, in order: the number to go back to
_limits_lock = threading.Lock()


def _has_core() -> bool:
    return "attnrec._core" in sys.modules


def _need_core() -> None:
    """Say so when the extension, which holds the settings of the process, is not there."""
    if not _has_core():
        raise RuntimeError(
            "threads and instruction sets are the compiled extension's, which is not loaded: reinstall attnrec"
        )


def backend() -> str:
    """Name the implementation that :mod:`attnrec.ops` runs.

    Returns
    -------
    str
        "compiled" or "reference".

    Raises
    ------
    ValueError
        If ATTNREC_BACKEND names no backend, and :func:`set_backend` was not called since.
    """
    if _backend not in _BACKENDS:  # said at first use and not at import, so that attnrec.doctor can say it too
        raise ValueError(
            f"ATTNREC_BACKEND={_backend} is no backend; choose one of {', '.join(_BACKENDS)}, or unset it for compiled"
        )
    return _backend


def set_backend(name: str) -> None:
    """Run :mod:`attnrec.ops` on the compiled kernels ("compiled") or on NumPy ("reference").

    Parameters
    ----------
    name : {"compiled", "reference"}
        Implementation to run, for the whole process: the compiled kernels, or NumPy.

    Raises
    ------
    ValueError
        If ``name`` is neither, or the compiled extension is not loaded.
    """
    global _backend
    if name not in _BACKENDS:
        raise ValueError(f"backend {name!r} is not one of {_BACKENDS}")
    if name == "compiled" and not _has_core():
        raise ValueError("backend 'compiled' is not loaded: start without ATTNREC_BACKEND=reference")
    _backend = name


def processors() -> int:
    """Count the processors that this process may use now.

    They are those of its affinity, limited by the CPU quota of a container (control groups of Linux, version 1 or 2),
    rounded up. Without the compiled extension quotas are ignored.

    Returns
    -------
    int
        Number of processors, at least 1.

    Examples
    --------
    >>> from attnrec.config import processors
    >>> processors() >= 1
    True
    """
    if _has_core():
        return _core.processors()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def num_threads() -> int:
    """Return the number of threads of a call without ``num_threads``.

    It is the number that :func:`set_num_threads` or :func:`thread_limit` set; else the environment variable
    ATTNREC_NUM_THREADS; else the first number of OMP_NUM_THREADS; else :func:`processors`. Variables are read once, at
    the first call that needs them; an empty one, or 0, counts as unset.

    Returns
    -------
    int
        Number of threads, at least 1.

    Raises
    ------
    ValueError
        If ATTNREC_NUM_THREADS is not a whole number up to 4,096. OMP_NUM_THREADS, which other libraries read too, is
        ignored in that case.
    """
    _need_core()
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Set what :func:`num_threads` returns, for the whole process; 0 goes back to the default.

    Parameters
    ----------
    n : int
        Number of threads, at least 1, or 0 for the default.

    Raises
    ------
    ValueError
        If ``n`` is negative.
    """
    _need_core()
    _core.set_num_threads(n)


@contextlib.contextmanager
def thread_limit(n: int) -> Iterator[None]:
    """Limit the calls inside the block to ``n`` threads; other Python threads are limited too.

    Where blocks overlap in several threads, the one that began last counts, and when all have ended the number is what
    it was before the first.

    Parameters
    ----------
    n : int
        Number of threads, at least 1, or 0 for the default.

    Yields
    ------
    None
        The block runs under the limit.

    Examples
    --------
    >>> import attnrec as ar
    >>> with ar.thread_limit(1):
    ...     ar.num_threads()
    1
    """
    with _limits_lock:
        mine = [num_threads()]
        _core.set_num_threads(n)
        _limits.append(mine)
    try:
        yield
    finally:
        with _limits_lock:
            at = next(k for k, each in enumerate(_limits) if each is mine)
            if at + 1 < len(_limits):
                _limits[at + 1][:] = mine  # a block that began later, and goes back to what was before both
            else:
                _core.set_num_threads(mine[0])
            del _limits[at]


def memory_budget() -> int:
    """Return the limit of temporary memory of a call without ``memory_budget``.

    Returns
    -------
    int
        Number of bytes.
    """
    return _core.memory_budget() if _has_core() else DEFAULT_MEMORY_BUDGET


def set_memory_budget(n_bytes: int) -> None:
    """Set what :func:`memory_budget` returns, for the whole process; 0 goes back to the default of 1 GiB.

    Parameters
    ----------
    n_bytes : int
        Upper limit of the temporary memory of one call, in bytes, or 0 for the default; a smaller one means smaller
        blocks and slower calls, not other results.

    Raises
    ------
    ValueError
        If ``n_bytes`` is negative.
    """
    _need_core()
    _core.set_memory_budget(n_bytes)


def isa() -> str:
    """Name the instruction set in use, such as "avx512vnni", "avx2", "dotprod" or "scalar".

    It is the best one that the processor supports, or the one that the environment variable ATTNREC_ISA names.

    Returns
    -------
    str
        Name of the instruction set.

    Raises
    ------
    ValueError
        If ATTNREC_ISA names an instruction set that does not run here.
    """
    _need_core()
    return _core.isa()


def get_include() -> str:
    """Folder to put on a C compiler's path for ``#include <attnrec/attnrec.h>``.

    Returns
    -------
    str
        Path of the folder.
    """
    return str(Path(__file__).parent / "include")


def show_config() -> dict[str, str | int | list[str]]:
    """Collect versions and settings of this process for a bug report.

    Returns
    -------
    dict of str -> str, int or list of str
        Versions, compiler, instruction sets, processors, threads and memory budget by name.

    Raises
    ------
    ValueError
        If an environment variable has a value that cannot be used; ``python -m attnrec.doctor`` reports that among its
        findings.

    Examples
    --------
    >>> import attnrec as ar
    >>> ar.show_config()["backend"]
    'compiled'
    """
    import numpy as np

    out: dict[str, str | int | list[str]] = {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "backend": backend(),
    }
    if _has_core():
        out |= {
            "attnrec": _core.__version__,
            "compiler": _core.compiler,
            "threading": _core.threading,
            "isa": _core.isa(),
            "isas": _core.isas(),
            "processors": processors(),
            "num_threads": _core.num_threads(),
            "memory_budget": _core.memory_budget(),
        }
    return out
