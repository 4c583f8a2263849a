"""Runs of the command line and the two small files they read, shared by its tests. Checks exit codes alone."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from attnrec.cli import main

# ann and bob like tea and rum; dora likes cocoa and milk.
RATINGS = """userId,movieId,rating,timestamp
ann,1,5,100
ann,2,4,101
ann,5,1,102
bob,1,5,100
bob,2,5,103
bob,3,5,104
bob,5,1,105
cleo,1,4,100
cleo,3,4,101
cleo,4,2,90
dora,4,5,100
dora,5,5,101
dora,1,1,102
"""
DRINKS = (
    "movieId,title,genres\n1,Green Tea (1900),hot\n2,Dark Rum (1950),cold\n3,Black Tea,hot\n4,[red]Milk[/red],cold\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "drinks.csv").write_text(DRINKS)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, [str(argument) for argument in arguments])


def told(*arguments: object) -> dict[str, Any]:
    """The one JSON object that a command prints, and nothing else on stdout."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("\n") == 1
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def fails(*arguments: object, code: int = 2) -> str:
    """The one line on stderr of a command that fails."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("attnrec: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.rstrip("\n")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def small(folder: Path) -> list[object]:
    return [folder / "ratings.csv", "--items", folder / "drinks.csv"]


def without(packages: tuple[str, ...], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process where some packages cannot be imported."""
    hidden = f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"
    return subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True, timeout=60)


def spawn(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "attnrec", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def interrupted(code: str) -> str:
    """Run Python code that prints "ready" and waits, press Ctrl-C, and give what it says; it has to exit with 130."""
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + code  # nohup ignores it
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    return str(err.strip())
