"""Every example in a docstring, and every Python example of README.md, runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import attnrec

if attnrec.backend() != "compiled":
    pytest.skip("the examples show the compiled backend", allow_module_level=True)

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# Modules whose examples need a package that the extra `test` does not bring.
NEEDS = {"attnrec.compat.torch_attention": "torch", "attnrec.compat.torch_loss": "torch"}
MODULES = ["attnrec", *sorted(m.name for m in pkgutil.walk_packages(attnrec.__path__, "attnrec."))]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples may write files."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", [m for m in MODULES if not m.endswith("__main__")])
def test_docstrings(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed: pip install 'attnrec[{NEEDS[name]}]'")
    done = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert done.failed == 0, f"{done.failed} of {done.attempted} examples of {name} failed; they are printed above"


def test_readme(root: Path) -> None:
    done = doctest.testfile(str(root / "README.md"), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert done.attempted > 0
    assert done.failed == 0, f"{done.failed} of {done.attempted} examples of README.md failed; they are printed above"
