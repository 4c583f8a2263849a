"""``python -m attnrec``: runs the command line."""

from __future__ import annotations

from attnrec.cli import main

if __name__ == "__main__":
    main(prog_name="attnrec")
