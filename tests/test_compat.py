"""attnrec.compat where what it needs is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from attnrec import compat


def test_without_torch_it_imports_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'attnrec\[torch\]'"):
        compat.softmax_cross_entropy([[1.0]], [[1.0]], [0])


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, attnrec.compat; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
