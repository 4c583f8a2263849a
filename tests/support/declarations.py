"""Declarations as data, read from source text: a C header, its Cython mirror, parameters of C++ functions and stubs."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple


class Parameter(NamedTuple):
    """A parameter or a field; of a field that is a pointer to a function, ``of`` has the function's parameters."""

    name: str
    type: str
    of: tuple[Parameter, ...] | None = None


Structs = dict[str, tuple[Parameter, ...]]


def _one(text: str) -> list[Parameter]:
    """``const float *u`` or ``double beta1, beta2`` or ``int (*poll)(void *data)``."""
    text = " ".join(text.replace("noexcept", "").replace("nogil", "").split())
    if pointer := re.fullmatch(r"(.+?) ?\(\*(\w+)\)\((.*)\)", text):
        returns, name, inner = pointer.groups()
        return [Parameter(name, _type(returns), parameters("" if inner == "void" else inner))]
    text = re.sub(r'(\w+) "(\w+)"', r"\2", text)  # Cython's own name beside that of C
    first, *others = text.split(",")
    declared = re.fullmatch(r"(.*?[\s*&])(\w+)", first.strip())
    assert declared, f"no declaration: {text!r}"
    kind, name = _type(declared[1]), declared[2]
    return [Parameter(name, kind), *(Parameter(other.strip(), kind) for other in others)]


def _type(text: str) -> str:
    return re.sub(r"\s*([*&])\s*", r"\1", " ".join(text.split()))


def parameters(text: str) -> tuple[Parameter, ...]:
    """The parameters of a function, of which ``text`` is what stands between the brackets."""
    return tuple(_one(part)[0] for part in text.split(",")) if text.strip() else ()


def c_structs(header: str) -> Structs:
    """Structs with fields, by name."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    found = re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", header, flags=re.S)
    return {name: tuple(x for line in body.split(";") if line.strip() for x in _one(line)) for name, body in found}


def c_enums(header: str) -> dict[str, list[str]]:
    """Names of values, by enum."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    found = re.findall(r"typedef enum (\w+) \{(.*?)\}", header, flags=re.S)
    return {name: re.findall(r"[A-Z]\w+", body) for name, body in found}


def _cython_blocks(pxd: str, kind: str) -> dict[str, list[str]]:
    text = re.sub(r"#[^\n]*", "", pxd)
    text = re.sub(r",\s*\n\s*|(?<=\))\s*\n\s+(?=noexcept)", ", ", text)
    found = re.findall(rf"^    ctypedef {kind} (\w+):\n((?:        .*\n)+)", text, flags=re.M)
    return {name: [line.strip() for line in body.splitlines() if line.strip()] for name, body in found}


def cython_structs(pxd: str) -> Structs:
    """Structs with fields, by name, with the names that C has."""
    blocks = _cython_blocks(pxd, "struct")
    out = {name: tuple(x for line in lines for x in _one(line)) for name, lines in blocks.items() if lines != ["pass"]}
    return {name: tuple(_renamed(x) for x in fields) for name, fields in out.items()}


def _renamed(x: Parameter) -> Parameter:
    """Cython has no parameter of the name ``include``."""
    of = None if x.of is None else tuple(_renamed(y) for y in x.of)
    return Parameter("include" if x.name == "include_" else x.name, x.type, of)


def cython_enums(pxd: str) -> dict[str, list[str]]:
    """Names of values, by enum."""
    return _cython_blocks(pxd, "enum")


def cpp_function(source: str, name: str) -> list[tuple[Parameter, ...]]:
    """The parameters of a function or a constructor wherever it is declared or defined, not where it is called."""
    source = re.sub(r"//[^\n]*", "", source)
    found = re.findall(rf"^(?:[\w:<>*&]+ \*?|  ){name}\(([^()]*)\)\s*[;:{{]", source, flags=re.M)
    return [parameters(inner) for inner in found]


def stub_function(stub: str, name: str) -> tuple[list[str], list[str]]:
    """Names by place only, and by name only, of a function in a stub; any other kind is an error."""
    (found,) = (x for x in ast.parse(stub).body if isinstance(x, ast.FunctionDef) and x.name == name)
    a = found.args
    others = [*a.args, a.vararg, a.kwarg, *a.defaults, *a.kw_defaults]
    assert not any(others), f"{name}: inputs by place, options by name, and defaults in attnrec.ops alone"
    return [x.arg for x in a.posonlyargs], [x.arg for x in a.kwonlyargs]
