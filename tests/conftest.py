"""What every test shares: which attnrec is under test, Hypothesis profiles, folders. No fixture of one file alone."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

import attnrec

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = Path(attnrec.__file__).resolve().parent

hypothesis.settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("default")

if os.environ.get("ATTNREC_TEST_INSTALLED") and INSTALLED.is_relative_to(ROOT / "src"):
    raise pytest.UsageError(f"to test what is installed, unset PYTHONPATH: attnrec comes from {INSTALLED}")


def pytest_report_header() -> str:
    told = attnrec.show_config()
    keys = ("attnrec", "backend", "isa", "threading", "num_threads", "numpy")
    return f"attnrec from {INSTALLED}: " + ", ".join(f"{k} {told[k]}" for k in keys if k in told)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder of the package under test."""
    return INSTALLED


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets that the project does not ship: ATTNREC_DATA, or ../shared/data beside the repository."""
    path = Path(os.environ.get("ATTNREC_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no data sets at {path}: set ATTNREC_DATA to their folder")
    return path
