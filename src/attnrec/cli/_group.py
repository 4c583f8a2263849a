"""The group of commands, and their error handling: one line on stderr and an exit code."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from typing import Any, NoReturn

import click

from .. import __version__
from ._words import in_note

__all__ = ["main"]

# Name -> module with a click command called `command`. Names that another module has to bring are shown if it is there.
COMMANDS = {
    "demo": "attnrec.cli.commands.demo",
    "fit": "attnrec.cli.commands.fit",
    "recommend": "attnrec.cli.commands.recommend",
    "explain": "attnrec.cli.commands.explain",
    "report": "attnrec.cli.commands.report",
    "similar": "attnrec.cli.commands.similar",
    "evaluate": "attnrec.cli.commands.evaluate",
    "bench": "attnrec.bench",
    "doctor": "attnrec.cli.commands.doctor",
}


class _Group(click.Group):
    """Imports a command when it is asked for, and turns exceptions into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        return command

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        kwargs["standalone_mode"] = False
        debug = os.environ.get("ATTNREC_DEBUG") or "0"
        try:
            if debug not in ("0", "1"):
                raise ValueError(f"ATTNREC_DEBUG={debug} is neither 1 nor 0; give ATTNREC_DEBUG=1, or unset it")
            with warnings.catch_warnings():
                warnings.showwarning = _note
                status = super().main(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader left; Python would complain again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
            sys.exit(141)
        except Exception as error:
            if debug == "1":
                raise
            message, code = _one_line(error)
            print(f"attnrec: {message}", file=sys.stderr)
            sys.exit(code)
        sys.exit(status if isinstance(status, int) else 0)


def _note(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """A warning in one line, in the words of the command line."""
    print(f"attnrec: note: {in_note(' '.join(str(message).split()))}", file=sys.stderr)


def _one_line(error: Exception) -> tuple[str, int]:
    if isinstance(error, click.Abort):
        return "interrupted", 130
    if isinstance(error, click.UsageError):
        where = f"; see '{error.ctx.command_path} --help'" if error.ctx else ""
        return f"error: {' '.join(error.format_message().split()).rstrip('.')}{where}", 2
    if isinstance(error, click.ClickException):
        return f"error: {error.format_message()}", 2
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: {error.filename}: {error.strerror}", 2
    if isinstance(error, (ValueError, TypeError, OSError, ImportError)):
        return f"error: {text}", 2
    if isinstance(error, MemoryError):
        return f"error: out of memory; {text or 'use fewer rows, or a machine with more'}", 2
    return f"internal error: {type(error).__name__}: {text}; ATTNREC_DEBUG=1 shows where", 1


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="attnrec")
def main() -> None:
    """Attention-based recommendation with explanations.

    \b
    Try it on bundled data:
      attnrec demo
    On a file with a row for each rating:
      attnrec recommend ratings.csv --items movies.csv --user 1
    """
