"""Every operation has one signature, which stands by hand in many places: the same names in the same order in all."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import attnrec
from attnrec import _core, ops, reference
from declarations import (
    Parameter,
    c_enums,
    c_structs,
    cpp_function,
    cython_enums,
    cython_structs,
    stub_function,
)

ROOT = next(p for p in Path(__file__).resolve().parents if (p / "pyproject.toml").exists())
PACKAGE = ROOT / "src" / "attnrec"
HEADER = (PACKAGE / "include/attnrec/attnrec.h").read_text(encoding="utf-8")
CYTHON = (PACKAGE / "cy.pxd").read_text(encoding="utf-8")
STUB = (PACKAGE / "_core.pyi").read_text(encoding="utf-8")
CPP = {p: p.read_text(encoding="utf-8") for p in sorted((ROOT / "csrc").rglob("*.cpp"))}
OPS_H = ROOT / "csrc/ops/ops.h"

# How an operation is run, not what it computes: attnrec_run in C, nothing in the reference.
RUN = ("check_finite", "num_threads", "memory_budget")
# Nothing of these in the reference either: it has one arithmetic and makes its own arrays.
COMPILED_ONLY = (*RUN, "out", "precision")


class Otherwise(NamedTuple):
    """What C says otherwise than Python; nothing else may differ."""

    names: dict[str, str] = {}  # noqa: RUF012 - C's, by Python's
    absent: tuple[str, ...] = ()  # from C, which is asked by a pointer that may be null, or checks less
    order: tuple[str, ...] = ()  # of C's options


IN_C = {
    "attend": Otherwise(absent=("return_lse",)),
    "attention_matrix": Otherwise(order=("metric", "scale", "exclude")),
    "predict_ratings": Otherwise({"attention_matrix": "attention"}, absent=("user_features", "item_features")),
    "softmax_cross_entropy": Otherwise(absent=("grad",)),
    "topk": Otherwise(
        {"features": "items"},
        absent=("weights",),
        order=("scale", "normalize", "item_bias", "exclude", "include", "items", "filter_items", "precision"),
    ),
}
EXTENTS = {"d", "n", "n_pairs", "n_items", "n_filter_items"}  # of what a pointer points to
OUTPUTS = {"out", "lse", "result"}  # in Python `out`, or what is returned
# In csrc/ops, where everything has been checked: rows that are normalised or not, masks in one, options in one.
PREPARED = {"user_features": "queries", "item_features": "keys"}
MADE_OF = {"metric", "exclude", "include", "options", "targets"}
MADE = {"masks", "task"}


def places(function: object) -> tuple[list[str], list[str]]:
    """Names by place and names by name only."""
    of = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    assert all(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in of)
    named = [p.name for p in of if p.kind is p.KEYWORD_ONLY]
    return [p.name for p in of if p.kind is not p.KEYWORD_ONLY], named


def names(of: tuple[Parameter, ...]) -> list[str]:
    return [x.name for x in of]


def entries() -> dict[str, Parameter]:
    return {x.name: x for x in c_structs(HEADER)["attnrec_api"] if x.of is not None}


def without(given: list[str], *left_out: str) -> list[str]:
    return [name for name in given if name not in left_out]


@pytest.mark.parametrize("op", ops.__all__)
def test_the_top_level_has_the_operation_itself(op: str) -> None:
    assert getattr(attnrec, op) is getattr(ops, op)


@pytest.mark.parametrize("op", ops.__all__)
def test_the_reference_has_the_same_signature_and_a_dtype(op: str) -> None:
    ours = inspect.signature(getattr(ops, op)).parameters
    theirs = inspect.signature(getattr(reference, op)).parameters
    assert list(theirs) == [*without(list(ours), *COMPILED_ONLY), "dtype"]
    for name in without(list(theirs), "dtype"):
        assert (theirs[name].kind, theirs[name].default) == (ours[name].kind, ours[name].default), name


@pytest.mark.parametrize("op", ops.__all__)
def test_the_extension_the_stub_and_the_binding_have_the_same_names(op: str) -> None:
    wanted = places(getattr(ops, op))
    assert places(getattr(_core, op)) == wanted
    assert stub_function(STUB, op) == wanted
    assert bound(f"py_{op}") == [*wanted[0], *wanted[1]]


def bound(name: str) -> list[str]:
    (found,) = (names(f) for text in CPP.values() for f in cpp_function(text, name))
    return found


def test_the_extension_takes_options_in_any_order_and_no_others() -> None:
    given = {"metric": "dot", "scale": 2.0, "check_finite": True, "out": None, "num_threads": 1}
    backwards = {"".join(list(name)): given[name] for name in reversed(given)}
    assert _core.similarity([[1.0]], [[3.0]], **backwards) == [[6.0]]
    with pytest.raises(TypeError, match=r"similarity: metric is missing; give similarity\(queries, keys, /, \*, "):
        _core.similarity([[1.0]], [[3.0]], **{k: v for k, v in given.items() if k != "metric"})
    with pytest.raises(TypeError, match="similarity: there is no option queries; give"):
        _core.similarity([[1.0]], [[3.0]], **{"queries": 1, **given})
    with pytest.raises(TypeError, match="similarity: 1 inputs by place; give"):
        _core.similarity([[1.0]], **given)
    with pytest.raises(TypeError, match="similarity: 7 inputs by place; give"):
        _core.similarity([[1.0]], [[3.0]], *given.values())


def test_flags_are_true_or_false() -> None:
    with pytest.raises(TypeError, match="attend: return_lse is 'no'; give True or False"):
        ops.attend([[1.0]], [[1.0]], [[1.0]], return_lse="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="topk: weights is 'no'; give True or False"):
        ops.topk([[1.0]], [[1.0]], 1, weights="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="softmax_cross_entropy: grad is 'no'; give True or False"):
        ops.softmax_cross_entropy([[1.0]], [[1.0]], [0], grad="no")  # type: ignore[arg-type]


def options_of_searchers() -> list[str]:
    return list(sys.modules[attnrec.Searcher.__module__].Options._fields)


def test_the_searcher_has_the_same_names_everywhere() -> None:
    first, named = places(_core.searcher)
    assert named == options_of_searchers()
    assert stub_function(STUB, "searcher") == (first, named)
    assert bound("PySearcher") == [*first, *named]
    assert without(list(inspect.signature(attnrec.ItemIndex.searcher).parameters), "self") == named
    in_topk = [name for name in inspect.signature(ops.topk).parameters if name in named]
    assert named == in_topk


def in_c(op: str) -> list[str]:
    """What an entry of the C interface takes besides outputs, extents and how to run, its options by name."""
    structs, out = c_structs(HEADER), []
    for x in entries()[op].of or ():
        if x.name == "options":
            kind = x.type.replace("const ", "").rstrip("*")
            out += without(names(structs[kind]), "size")
        else:
            out.append(x.name)
    return without(out, *OUTPUTS, *EXTENTS, "run")


@pytest.mark.parametrize("op", ops.__all__)
def test_c_has_the_same_names_but_for_what_the_table_says(op: str) -> None:
    otherwise = IN_C.get(op, Otherwise())
    inputs, options = places(getattr(ops, op))
    inputs = [otherwise.names.get(name, name) for name in without(inputs, *otherwise.absent)]
    options = without(options, *RUN, "out", *otherwise.absent)
    assert sorted(otherwise.order or options) == sorted(options), "the table is about what there is"
    assert in_c(op) == [*inputs, *(otherwise.order or options)]


def test_the_table_has_no_more_than_it_needs() -> None:
    assert set(IN_C) <= set(ops.__all__)
    for op, otherwise in IN_C.items():
        inputs, options = places(getattr(ops, op))
        assert {*otherwise.names, *otherwise.absent} <= {*inputs, *options}, op
        in_python = without(options, *RUN, "out", *otherwise.absent)
        assert not otherwise.order or list(otherwise.order) != in_python, op


def test_how_to_run_is_the_same() -> None:
    run = names(c_structs(HEADER)["attnrec_run"])
    assert run == ["size", "num_threads", "skip_finite_check", "memory_budget", "poll", "poll_data"]
    for op in ops.__all__:
        _, options = places(getattr(ops, op))
        last = [name for name in options if name in (*RUN, "out")]
        assert options[len(options) - len(last) :] == last, f"{op}: how to run comes last"
        assert last == [name for name in ("check_finite", "out", *RUN[1:]) if name in last]


def test_results_are_those_of_python() -> None:
    structs = c_structs(HEADER)
    for struct, made in (("topk", reference.TopK), ("cross_entropy", reference.CrossEntropy)):
        fields = names(structs[f"attnrec_{struct}_result"])
        assert fields == without(list(inspect.signature(made.__init__).parameters), "self")
        assert sorted(fields) == sorted(made.__slots__)


def test_cython_mirrors_the_header() -> None:
    ours, theirs = c_structs(HEADER), cython_structs(CYTHON)
    assert set(theirs) == set(ours)
    assert {"attnrec_api", "attnrec_topk_options", "attnrec_run"} < set(ours)
    for name, fields in ours.items():
        assert theirs[name] == fields, name
    assert cython_enums(CYTHON) == c_enums(HEADER)


def test_the_entries_are_defined_as_the_header_declares_them() -> None:
    defined = {
        name: found for name in entries() for text in CPP.values() for found in cpp_function(text, f"api_{name}")
    }
    assert {*ops.__all__, "searcher_create", "searcher_search", "model_recommend"} <= set(defined)
    for name, found in defined.items():
        assert found == entries()[name].of, name


@pytest.mark.parametrize("op", ops.__all__)
def test_the_operations_in_csrc_have_the_names_of_the_c_interface(op: str) -> None:
    declared = names(entries()[op].of or ())
    if op == "attention_matrix":
        declared = [PREPARED.get(name, name) for name in declared]
    (prepared,) = cpp_function(OPS_H.read_text(encoding="utf-8"), op)
    ours = [x.name for x in prepared]
    assert set(ours) - set(declared) <= MADE
    assert set(declared) - set(ours) <= MADE_OF | ({"out", "run"} if op == "dot_product" else set())
    assert without(ours, *MADE) == [name for name in declared if name in ours]
    defined = [names(f) for p, text in CPP.items() if p.is_relative_to(OPS_H.parent) for f in cpp_function(text, op)]
    assert defined
    for found in defined:  # where a name may be cut short
        assert all(name.startswith(short) for name, short in zip(ours, found, strict=True)), found
