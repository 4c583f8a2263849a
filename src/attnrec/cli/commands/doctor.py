"""``attnrec doctor``: prints the findings of :mod:`attnrec.doctor`, without rich."""

from __future__ import annotations

import importlib
import json

import click

__all__ = ["command"]


@click.command("doctor", short_help="Show versions and test the kernels.")
@click.option(
    "--import",
    "modules",
    multiple=True,
    metavar="MODULE",
    help="Import this module first, to check it for conflicts; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of text.")
def command(modules: tuple[str, ...], as_json: bool) -> int:
    """Show versions, processor and threads, and test the kernels.

    Ends with exit code 1 when something fails.
    """
    from ...doctor import findings

    for name in modules:
        importlib.import_module(name)
    found = findings.examine()
    failed = sum(one.state == "fail" for one in found)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "findings": findings.as_records(found)}))
    else:
        click.echo(findings.as_text(found))
        click.echo(f"\n{failed} of {len(found)} checks failed" if failed else "\nAll is well.")
    return int(failed > 0)
