"""Threads, instruction set, memory budget and backend of the process. Below everything but ``_core``."""

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
    """Which implementation :mod:`attnrec.ops` runs: "compiled" or "reference".

    Raises
    ------
    ValueError
        If ATTNREC_BACKEND asked for another one, and :func:`set_backend` was not called since.
    """
    if _backend not in _BACKENDS:  # said at first use and not at import, so that attnrec.doctor can say it too
        raise ValueError(
            f"ATTNREC_BACKEND={_backend} is no backend; choose one of {', '.join(_BACKENDS)}, or unset it for compiled"
        )
    return _backend


def set_backend(name: str) -> None:
    """Run :mod:`attnrec.ops` on the compiled kernels ("compiled") or on NumPy ("reference").

    Raises
    ------
    ValueError
        If ``name`` is neither.
    """
    global _backend
    if name not in _BACKENDS:
        raise ValueError(f"backend {name!r} is not one of {_BACKENDS}")
    if name == "compiled" and not _has_core():
        raise ValueError("backend 'compiled' is not loaded: start without ATTNREC_BACKEND=reference")
    _backend = name


def processors() -> int:
    """Processors that this process may use, now.

    Those of its affinity, and no more than the CPU quota of a container (control groups of Linux, version 1 or 2),
    rounded up, pays for. Without the compiled extension quotas are not looked at.

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
    """Threads that a call uses when it is not told.

    What :func:`set_num_threads` or :func:`thread_limit` set; else the environment variable ATTNREC_NUM_THREADS; else
    the first number of OMP_NUM_THREADS; else :func:`processors`. Variables are read once, at the first call that needs
    them; empty or 0 is as if unset.

    Raises
    ------
    ValueError
        If ATTNREC_NUM_THREADS is not a whole number up to 4,096. OMP_NUM_THREADS, which is other libraries' too, is
        ignored then.
    """
    _need_core()
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Set what :func:`num_threads` returns, for the whole process; 0 goes back to the default.

    Raises
    ------
    ValueError
        If ``n`` is negative.
    """
    _need_core()
    _core.set_num_threads(n)


@contextlib.contextmanager
def thread_limit(n: int) -> Iterator[None]:
    """Use ``n`` threads inside the block. The setting is the process's: other Python threads see it too.

    Of blocks that run at once in several threads the last that began counts, and when all have ended the number is what
    it was before the first.

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
    """Bytes of scratch memory that one call may take when it is not told."""
    return _core.memory_budget() if _has_core() else DEFAULT_MEMORY_BUDGET


def set_memory_budget(n_bytes: int) -> None:
    """Set what :func:`memory_budget` returns, for the whole process; 0 goes back to the default of 1 GiB.

    Raises
    ------
    ValueError
        If ``n_bytes`` is negative.
    """
    _need_core()
    _core.set_memory_budget(n_bytes)


def isa() -> str:
    """Name of the instructions in use, such as "avx512vnni", "avx2", "dotprod" or "scalar".

    The best that the processor runs, or what the environment variable ATTNREC_ISA names.

    Raises
    ------
    ValueError
        If ATTNREC_ISA names instructions that do not run here.
    """
    _need_core()
    return _core.isa()


def get_include() -> str:
    """Folder to put on a C compiler's path for ``#include <attnrec/attnrec.h>``."""
    return str(Path(__file__).parent / "include")


def show_config() -> dict[str, str | int | list[str]]:
    """Versions and settings of this process, as a dict ready for a bug report.

    Raises
    ------
    ValueError
        If an environment variable cannot be followed; ``python -m attnrec.doctor`` reports that beside the rest.

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
