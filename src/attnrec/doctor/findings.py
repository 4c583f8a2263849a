"""Examination of the installation: versions, processor, OpenMP runtimes, and a self-test.

Needs no extra. Returns findings, which :mod:`attnrec.cli` prints.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from .. import config
from .._util.extras import is_installed, require

__all__ = ["Finding", "as_records", "as_text", "examine", "openmp_runtimes"]

# Extra -> packages it brings.
EXTRAS = {
    "data": ("scipy", "narwhals", "pyarrow"),
    "models": ("safetensors", "tqdm"),
    "cli": ("click", "rich"),
}

# Variable -> the line it belongs to, and what fails when it cannot be followed.
SETTINGS: dict[str, tuple[str, Callable[[], object]]] = {
    "ATTNREC_BACKEND": ("backend", config.backend),
    "ATTNREC_ISA": ("instructions", config.isa),
    "ATTNREC_NUM_THREADS": ("threads", config.num_threads),
}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    name : str
        What was examined, such as "threads" or "extra data".
    state : {"ok", "note", "fail"}
        Result: "note" is something to know, "fail" makes the exit code 1.
    detail : str
        What was found.
    fix : str
        What to do about it; empty where there is nothing to do.
    """

    name: str
    state: Literal["ok", "note", "fail"]
    detail: str
    fix: str = ""


def examine() -> list[Finding]:
    """Examine this process and run the self-test.

    Returns
    -------
    list of Finding
        Findings in the order of the report.

    Examples
    --------
    >>> from attnrec.doctor import examine
    >>> [finding.name for finding in examine() if finding.state == "fail"]
    []
    """
    settings = list(_settings())
    if any(one.state == "fail" for one in settings):  # nothing can be computed
        return [*_system(), *settings, *_packages(), *_openmp()]
    return [*_system(), *settings, *_kernels(), *_packages(), *_openmp(), *_operations()]


def _system() -> Iterable[Finding]:
    from .. import __version__  # not at the top: attnrec imports this file's neighbours first

    python = f"{platform.python_version()} ({platform.python_implementation()}), numpy {_version('numpy')}"
    many = config.processors()
    to_use = f"{many} processor{'s' * (many > 1)} to use"
    yield Finding("attnrec", "ok", __version__)
    yield Finding("python", "ok", python)
    yield Finding("system", "ok", f"{platform.system()} {platform.machine()}, {_processor()}, {to_use}")


def _settings() -> Iterable[Finding]:
    """Environment variables that cannot be followed, and those that look like a slip of the pen."""
    for line, ask in SETTINGS.values():
        try:
            if config._has_core() or line == "backend":
                ask()
        except ValueError as error:
            detail, _, fix = str(error).partition("; ")
            yield Finding(line, "fail", detail, fix)
    for name in sorted(os.environ):
        meant = difflib.get_close_matches(name, [*SETTINGS, "ATTNREC_DEBUG"], 1, 0.85)
        if meant and name != meant[0]:
            yield Finding("environment", "note", f"{name} is not read", f"name it {meant[0]} if that is meant")


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or "unknown processor"


def _kernels() -> Iterable[Finding]:
    shown = config.show_config()
    if "isa" in shown:
        isas = shown.get("isas")
        others = f" (can run {', '.join(isas)})" if isinstance(isas, list) else ""
        forced = f", ATTNREC_ISA={os.environ['ATTNREC_ISA']}" if "ATTNREC_ISA" in os.environ else ""
        yield Finding("instructions", "ok", f"{shown['isa']}{others}{forced}, built with {shown['compiler']}")
        megabytes = int(str(shown["memory_budget"])) >> 20
        detail = f"{shown['num_threads']} threads ({shown['threading']}), scratch memory up to {megabytes} MiB"
        yield Finding("threads", "ok", detail)
    if config.backend() != "compiled":
        fix = "unset ATTNREC_BACKEND to use the compiled kernels"
        yield Finding("backend", "note", f"{config.backend()}: NumPy computes, slowly", fix)


def _packages() -> Iterable[Finding]:
    for extra, packages in EXTRAS.items():
        found = {name: _version(name) for name in packages if is_installed(name)}
        missing = [name for name in packages if name not in found]
        listed = ", ".join(f"{name} {version}" for name, version in found.items())
        if missing:
            detail = f"{', '.join(missing)} not installed" + (f"; {listed}" if listed else "")
            yield Finding(f"extra {extra}", "note", detail, f"pip install 'attnrec[{extra}]' if you want it")
        else:
            yield Finding(f"extra {extra}", "ok", listed)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def openmp_runtimes() -> list[str]:
    """List the OpenMP runtimes that this process has loaded.

    Returns
    -------
    list of str
        Paths of their files, each once; more than one runtime means that their threads compete.
    """
    if is_installed("threadpoolctl"):
        pools = require("threadpoolctl", extra="bench").threadpool_info()
        return sorted({str(pool["filepath"]) for pool in pools if pool["user_api"] == "openmp"})
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return []
    return sorted(set(re.findall(r"(/\S*/lib(?:gomp|omp|iomp5|omp5)\b[^\s/]*\.so[^\s/]*)", maps)))


def _openmp() -> Iterable[Finding]:
    files = openmp_runtimes()
    if len(files) > 1:
        detail = f"{len(files)} runtimes are loaded: {', '.join(files)}"
        fix = "they compete for processors: import attnrec first, or set OMP_NUM_THREADS=1 for the other library"
        yield Finding("openmp", "note", detail, fix)
    else:
        yield Finding("openmp", "ok", files[0] if files else "no runtime loaded")


def _operations() -> Iterable[Finding]:
    from .selftest import selftest

    for found in selftest():
        if found.ok:
            detail = f"agrees with the reference: error {found.error:.1e}, allowed {found.allowed:.1e}"
            yield Finding(found.name, "ok", detail)
        else:
            detail = found.message or f"error {found.error:.1e}, allowed {found.allowed:.1e}"
            fix = "try ATTNREC_ISA=scalar, then reinstall; if it stays, report this page"
            yield Finding(found.name, "fail", detail, fix)


def as_text(findings: Iterable[Finding]) -> str:
    """Format the report as plain lines.

    Parameters
    ----------
    findings : iterable of Finding
        Findings to format, such as those of :func:`examine`.

    Returns
    -------
    str
        One line for each finding, and a second one where it has a fix.
    """
    lines = []
    for found in findings:
        lines.append(f"{found.state:<4}  {found.name:<16}  {found.detail}")
        if found.fix:
            lines.append(f"{'':24}-> {found.fix}")
    return "\n".join(lines)


def as_records(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Convert the report to dictionaries, for JSON.

    Parameters
    ----------
    findings : iterable of Finding
        Findings to convert, such as those of :func:`examine`.

    Returns
    -------
    list of dict
        Name, state, detail and fix of each finding.
    """
    return [asdict(found) for found in findings]
