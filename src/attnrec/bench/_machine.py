"""Description of the machine: processor, versions, and the thread pools of all libraries."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from .. import config
from .._util.extras import require
from ..doctor import findings

__all__ = ["PEERS", "describe", "import_peers", "limited", "notes", "settings"]

# Module -> the package that brings it.
PEERS = {"implicit": "implicit", "faiss": "faiss-cpu", "torch": "torch"}
_SETTINGS = ("ATTNREC_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_")
_INSTALL = 'pip install "attnrec[bench]"'


def settings() -> dict[str, str]:
    """The environment variables that say how libraries compute; to be read before those libraries add their own."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(_SETTINGS)}


def import_peers(peers: Mapping[str, str] = PEERS) -> dict[str, str]:
    """Import what is there; for each package that is not, why."""
    missing = {}
    for module, package in {**peers, "threadpoolctl": "threadpoolctl"}.items():
        try:
            require(module, extra="bench")
        except ImportError as error:
            absent = isinstance(error.__cause__, ModuleNotFoundError)
            missing[package] = f"not installed: {_INSTALL}" if absent else f"does not import: {error}"
        except OSError as error:  # a shared library that it brings does not load
            missing[package] = f"does not import: {error}"
    return missing


def describe(num_threads: int, missing: dict[str, str]) -> dict[str, Any]:
    """Processor, instruction set, threads and versions."""
    shown = config.show_config()
    packages = ["scipy", *(package for package in PEERS.values() if package not in missing)]
    versions = {name: shown[name] for name in ("attnrec", "python", "numpy")}
    return {
        "cpu": findings._processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": config.processors(),
        "threads": num_threads,
        "isa": shown["isa"],
        "compiler": shown["compiler"],
        "versions": versions | {name: findings._version(name) or "of unknown version" for name in packages},
    }


def notes(missing: dict[str, str]) -> list[str]:
    """What a reader has to know to trust the figures."""
    out = []
    for name in ("OPENBLAS_CORETYPE", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS", "ATTNREC_ISA"):
        if os.environ.get(name):
            whom = "attnrec" if name == "ATTNREC_ISA" else "NumPy or torch"
            out.append(f"{name}={os.environ[name]} is set and may slow {whom} down; unset it to compare")
    if "threadpoolctl" in missing:
        out.append(f"threadpoolctl is {missing['threadpoolctl']}; without it the BLAS keeps its own number of threads")
    return out


@contextlib.contextmanager
def limited(num_threads: int, missing: dict[str, str]) -> Iterator[Callable[[int], AbstractContextManager[Any]]]:
    """Give every library ``num_threads`` inside the block; gives a way to limit the BLAS further for one call."""
    with contextlib.ExitStack() as stack:
        if "torch" not in missing:
            torch = require("torch", extra="bench")
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(num_threads)
        if "threadpoolctl" in missing:
            yield lambda n: contextlib.nullcontext()
            return
        pools = require("threadpoolctl", extra="bench").ThreadpoolController()
        stack.enter_context(pools.limit(limits=num_threads))
        yield lambda n: pools.limit(limits=n, user_api="blas")
