"""What the benchmarks share: the ceiling of this machine, told in the header. Times no operation.

The cases and the oracle come from ``tests/``, which pyproject.toml puts on the path.
"""

from __future__ import annotations

import functools

import pytest

import attnrec
from attnrec import _core


@functools.cache
def ceiling() -> float:
    """GFLOP/s of multiply-add units alone, all threads."""
    return _core.fma_ceiling(0.3, attnrec.num_threads()) / 1e9


def pytest_report_header() -> str:
    told = attnrec.show_config()
    return (
        f"attnrec {told['attnrec']}, {told['isa']}, {told['num_threads']} threads, numpy {told['numpy']}; "
        f"FMA ceiling {ceiling():.0f} GFLOP/s"
    )


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, object]) -> None:
    machine_info["attnrec"] = attnrec.show_config() | {"fma_ceiling_gflops": ceiling()}
