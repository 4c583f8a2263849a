"""``python -m attnrec.doctor``: the findings as text, without the packages of the command line."""

from __future__ import annotations

from .findings import as_text, examine

if __name__ == "__main__":
    report = examine()
    print(as_text(report))
    raise SystemExit(any(found.state == "fail" for found in report))
