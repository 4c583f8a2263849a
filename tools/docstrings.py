"""Check the docstrings of public names with numpydoc, and the words of docstrings and help texts; report only.

In pyproject.toml, `[tool.attnrec.docstrings]` names the modules whose `__all__` is public and the ones still to do, and
`[tool.numpydoc_validation]` the checks, with the reason for each that is off. Rules for what numpydoc leaves open:

- Classes may document the arguments of their constructor, such as the fields of a dataclass, under Attributes.
- Functions of `attnrec.reference` have the parameters of their namesakes in `attnrec.ops`, which document them.
- Every entry is a sentence of its own: it begins with no word of `CONTINUES` and ends with a full stop.
- Prose has no word of tools/words.txt, where each line is a regular expression, a tab, and what to write instead.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

ROOT = Path(__file__).resolve().parent.parent
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
MODULES, TO_DO = (tuple(TOOL["attnrec"]["docstrings"][key]) for key in ("modules", "to_do"))
OFF = set(TOOL["numpydoc_validation"]["checks"]) - {"all"}
LINES = (ROOT / "tools" / "words.txt").read_text(encoding="utf-8").splitlines()
WORDS = [(re.compile(rf"\b(?:{word})", re.I), fix) for word, fix in (line.split("\t") for line in LINES[1:])]
CONTINUES = re.compile(r"(And|Or|But|Of|With|Also|As|Else|Besides|The same|That|Which)\b")
ENTRIES = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")


def public() -> Iterator[tuple[str, Any]]:
    """Name and object of every exported class and function, once, and of the public members of classes."""
    seen: set[int] = set()
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            thing = getattr(module, name)
            if id(thing) in seen or not (inspect.isclass(thing) or inspect.isroutine(thing)):
                continue
            seen.add(id(thing))
            yield f"{module.__name__}.{name}", thing
            for member, each in _members(thing) if inspect.isclass(thing) else ():
                key = id(getattr(each, "__func__", each))
                if key not in seen:
                    seen.add(key)
                    yield f"{module.__name__}.{name}.{member}", each


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, also those it inherits from classes of the package."""
    for owner in thing.__mro__:
        for member, found in vars(owner).items() if owner.__module__.startswith("attnrec") else ():
            if member[0] != "_" and (isinstance(found, (property, classmethod)) or inspect.isroutine(found)):
                yield member, found if isinstance(found, property) else getattr(owner, member)


def problems(name: str, thing: Any) -> Iterator[str]:
    """What is wrong with one docstring."""
    doc = get_doc_object(thing)
    sections = [section for section in ENTRIES if section != "Attributes" or not _is_error(thing)]
    entries = [entry for section in sections for entry in doc.get(section) or ()]
    skip = set(OFF)
    twin = getattr(importlib.import_module("attnrec.ops"), name.rpartition(".")[2], None)
    taken = set() if _is_error(thing) else set(inspect.signature(thing).parameters)
    if inspect.isclass(thing) and taken <= {entry.name for entry in doc["Attributes"]}:
        skip.add("PR01")
    elif name.startswith("attnrec.reference.") and inspect.isroutine(twin):
        skip |= {"PR01", "RT01"}
        other = taken - set(inspect.signature(twin).parameters) - {"dtype"}
        yield from (f"parameter {one} is not one of attnrec.ops" for one in sorted(other))
    yield from (f"{code} {said}" for code, said in validate(doc)["errors"] if code not in skip)
    for entry in entries:
        text = " ".join(entry.desc).strip()
        if text and (CONTINUES.match(text) or text[-1] != "."):
            yield f"{entry.name or entry.type}: {text[:50]!r} is not a sentence of its own"
    prose = [line for part in ("Summary", "Extended Summary", "Notes") for line in doc.get(part) or ()]
    yield from words(" ".join([*prose, *(line for entry in entries for line in entry.desc)]))


def _is_error(thing: Any) -> bool:
    """Whether it is a class of errors, or a property, neither of which have a signature."""
    return isinstance(thing, property) or (inspect.isclass(thing) and issubclass(thing, BaseException))


def words(text: str) -> Iterator[str]:
    """Words to avoid in a text, code in it apart."""
    text = re.sub(r"``.*?``|:\w+:`.*?`|\[default:.*?\]", "``", text)
    yield from (f"{m[0]!r}: {fix}" for word, fix in WORDS for m in word.finditer(text))


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Name and help text of a command, its options and its subcommands."""
    yield name, f"{command.help} {command.short_help or ''}"
    yield from ((f"{name} {one.opts[0]}", one.help or "") for one in command.params if isinstance(one, click.Option))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            yield from helps(found, f"{name} {sub}") if found else ()


def main() -> int:
    """Print the problems; 1 if there are any."""
    warnings.simplefilter("ignore")
    found = [(name, said) for name, thing in public() for said in problems(name, thing)]
    todo = [name for name, _ in found if name.startswith(TO_DO)]
    found = [pair for pair in found if not pair[0].startswith(TO_DO)]
    group = importlib.import_module("attnrec.cli").main
    found += [(name, said) for name, text in helps(group, "attnrec") for said in words(text)]
    print("\n".join(f"{name}: {said}" for name, said in found), file=sys.stderr, end="\n" if found else "")
    if todo:
        print(f"docstrings: {len(todo)} problems in {len(set(todo))} names of {', '.join(TO_DO)}, not yet required")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
