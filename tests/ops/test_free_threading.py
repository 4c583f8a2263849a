"""Settings, where threads change them at once; and modules, on a Python without interpreter lock (else it says so)."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import attnrec

MODULES = sorted(
    found.name for found in pkgutil.walk_packages(attnrec.__path__, "attnrec.") if not found.name.endswith("__main__")
)
# An extension that does not say that it needs no lock turns the lock on with a RuntimeWarning when it is imported.
IMPORT = """
import importlib, sys
assert not sys._is_gil_enabled()
for name in sys.argv[1:]:
    importlib.import_module(name)
    assert not sys._is_gil_enabled(), f"{name} turned the interpreter lock on"
"""


def test_modules_are_found() -> None:
    assert {"attnrec._core", "attnrec.cy", "attnrec.models.softmax.recommender"} <= set(MODULES)


def test_extensions_declare_that_they_need_no_lock(root: Path) -> None:
    """What the next test sees in effect, also where the interpreter has its lock."""
    assert re.search(r"PYBIND11_MODULE\(_core, m, \S*mod_gil_not_used\(\)", (root / "csrc/bind.cpp").read_text())
    assert "freethreading_compatible=True" in (root / "src/attnrec/cy.pyx").read_text().splitlines()[0]
    made = re.findall(r"(pybind11_add_module|Python_add_library)\(", (root / "CMakeLists.txt").read_text())
    assert len(made) == 2


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has an interpreter lock")
@pytest.mark.parametrize("names", [["attnrec"], ["attnrec.cy"], MODULES], ids=["attnrec", "cy", "all"])
def test_importing_leaves_the_lock_off(names: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT, *names], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_limits_of_several_threads_leave_nothing_behind() -> None:
    before = attnrec.num_threads()
    first, second = attnrec.thread_limit(2), attnrec.thread_limit(3)
    first.__enter__()
    second.__enter__()
    assert attnrec.num_threads() == 3
    first.__exit__(None, None, None)  # as threads do whose blocks overlap
    assert attnrec.num_threads() == 3
    second.__exit__(None, None, None)
    assert attnrec.num_threads() == before


def test_many_threads_limit_at_once() -> None:
    before = attnrec.num_threads()

    def limited(n: int) -> int:
        with attnrec.thread_limit(n):
            return attnrec.num_threads()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(limited, [1, 2, 3, 4] * 250)) <= {1, 2, 3, 4}
    assert attnrec.num_threads() == before
