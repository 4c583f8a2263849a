"""Compilers and CMake for the tests that build something. Finds and runs them; knows nothing of attnrec."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def compiler(variable: str, *names: str) -> list[str]:
    """The compiler in an environment variable, else the first of ``names`` on PATH; without one the test is skipped."""
    given = os.environ.get(variable)
    if given:
        return shlex.split(given)
    for name in names:
        if shutil.which(name):
            return [name]
    pytest.skip(f"no compiler: none of {', '.join(names)} on PATH, and {variable} is not set")


def c_compiler() -> list[str]:
    return compiler("CC", "cc", "gcc", "clang")


def cxx_compiler() -> list[str]:
    return compiler("CXX", "c++", "g++", "clang++")


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed; its standard error is in the failure."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
        pytest.fail(f"exit {done.returncode}: {shlex.join(map(str, command))}\n{told}")
    return done.stdout


def shared_flags() -> list[str]:
    """Flags that make a library a running process can load; Python's own symbols are found there."""
    return ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared", "-fPIC"]


def cmake() -> list[str]:
    """CMake as it configures; without one that is new enough the test is skipped."""
    if shutil.which("cmake") is None:
        pytest.skip("no cmake on PATH: pip install cmake ninja")
    found = re.search(r"(\d+)\.(\d+)", run("cmake", "--version"))
    if found is None or (int(found[1]), int(found[2])) < (3, 24):
        pytest.skip("cmake is older than 3.24: pip install cmake ninja")
    if shutil.which("ninja") is None and shutil.which("make") is None:
        pytest.skip("cmake has neither ninja nor make on PATH: pip install ninja")
    return ["cmake", *(["-G", "Ninja"] if shutil.which("ninja") else [])]
