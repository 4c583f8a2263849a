"""An index under readers and writers at once; a second here, minutes with tools/stress.py."""

from __future__ import annotations

from churn import appends, churn


def test_every_result_is_that_of_one_version() -> None:
    done = churn(1.5)
    assert done["searches"] > 20
    assert done["swaps"] > 2


def test_no_append_is_lost() -> None:
    appends(4, 25)
