"""attnrec.compat where what it needs is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from attnrec import compat


def test_without_torch_it_imports_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (compat.softmax_cross_entropy, compat.scaled_dot_product_attention):
        with pytest.raises(ImportError, match=r"pip install 'attnrec\[torch\]'"):
            call([[1.0]], [[1.0]], [0])


def test_importing_it_imports_nothing_else() -> None:
    code = (
        "import sys, attnrec.compat as c; "
        "[c.implicit_topk([[1]], [[1]], 1), c.RecToolsRanker('dot', [[1]], [[1]]).rank([0]), c.IndexFlatIP(1), "
        "c.uninstall()]; "
        "sys.exit(bool({'torch', 'scipy', 'implicit', 'faiss', 'rectools'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
