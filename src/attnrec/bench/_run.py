"""Run of the tasks: preparation, comparison of results, interleaved timing, and measurement of the ceiling."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from .. import config
from . import _forms, _machine, _peers, _verify
from ._forms import Form, Result
from ._tasks import Data, Task, make_data
from ._timing import Limit, best_of, in_turns, median_ratio

if config.backend() == "compiled":
    from .. import _core

__all__ = ["Effort", "run"]

Record = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """Threads, rounds, and for how many seconds a short call is repeated and the ceiling measured."""

    num_threads: int
    rounds: int
    turn_seconds: float
    ceiling_seconds: float


@dataclass(frozen=True)
class Contestant:
    """Who does the tasks. ``prepared``: the items are packed before the clock runs, as in our index."""

    name: str
    prepared: bool
    forms: Callable[[Task, Data, int], Iterable[Form]]
    package: str = ""


# Below this part of the highest ceiling, or of the processor time of all threads, other work runs on the machine.
STEADY = 0.85
DISTURBED = (
    "other work took processors from this run (it got {:.0%} of its threads' time while the ceiling was measured, "
    "which fell to {:.0%} of its highest): figures are rough, most of all those of short calls. Stop that work, or set "
    "OMP_WAIT_POLICY=passive, so that threads that wait for each other do not hold a processor"
)
OURS = "attnrec, "
INDEX, ARRAYS = OURS + "index", OURS + "arrays"
CONTESTANTS = (
    Contestant(INDEX, True, lambda task, data, n: _forms.attnrec_forms(task, data, n, "auto")),
    Contestant(OURS + "float32", True, lambda task, data, n: _forms.attnrec_forms(task, data, n, "float32")),
    Contestant(OURS + "8 bits", True, lambda task, data, n: _forms.attnrec_forms(task, data, n, "int8")),
    Contestant(ARRAYS, False, lambda task, data, n: _forms.attnrec_forms(task, data, n, None)),
    Contestant("NumPy, reference", False, lambda task, data, n: _forms.reference_forms(task, data)),
    Contestant("NumPy, fastest", False, lambda task, data, n: _forms.numpy_forms(task, data)),
    Contestant("implicit", False, _peers.implicit_forms, "implicit"),
    Contestant("faiss", True, _peers.faiss_forms, "faiss-cpu"),
    Contestant("torch", False, lambda task, data, n: _peers.torch_forms(task, data), "torch"),
)


def run(
    tasks: Sequence[Task],
    effort: Effort,
    step: Callable[[str], object],
    left_out: Callable[[Task, str], str] = lambda task, name: "",
    after_round: Callable[[Task], dict[str, float]] = lambda task: {},
) -> Record:
    """Everything measured, as one record; what an interruption leaves is given with "interrupted" true.

    ``step`` is told what goes on, once for each task and each round; ``left_out`` says why someone does not do a task,
    "" if they do; what ``after_round`` gives is kept beside the times of that round.
    """
    settings = _machine.settings()
    missing = _machine.import_peers()
    record: Record = {
        "machine": _machine.describe(effort.num_threads, missing) | {"environment": settings},
        "missing": missing,
        "notes": _machine.notes(missing),
        "interrupted": False,
        "workloads": [],
    }
    ceilings = [_ceiling(effort)]
    with _machine.limited(effort.num_threads, missing) as limit:
        try:
            for task in tasks:
                step(f"{task.name}: comparing results")
                absent = {one.name: why for one in CONTESTANTS if (why := left_out(task, one.name))}
                between: list[dict[str, float]] = []
                timed = _timed(
                    task, absent, effort, missing, limit, partial(_round_done, task, between, after_round, step)
                )
                record["workloads"].append(timed | {"between_rounds": between})
                ceilings.append(_ceiling(effort))
        except KeyboardInterrupt:
            record["interrupted"] = True
    _finish(record, ceilings)
    return record


def _round_done(
    task: Task,
    between: list[dict[str, float]],
    after_round: Callable[[Task], dict[str, float]],
    step: Callable[[str], object],
) -> None:
    between.append(after_round(task))
    step(f"{task.name}: timing")


def _ceiling(effort: Effort) -> tuple[float, float]:
    """GFLOP/s of the multiply-add units, and the part of its threads' time that the process had a processor."""
    wall, used = time.perf_counter(), time.process_time()
    gflops = _core.fma_ceiling(effort.ceiling_seconds, effort.num_threads) / 1e9
    return gflops, (time.process_time() - used) / (time.perf_counter() - wall) / effort.num_threads


def _timed(
    task: Task,
    absent: dict[str, str],
    effort: Effort,
    missing: dict[str, str],
    limit: Limit,
    step: Callable[[], object],
) -> Record:
    data = make_data(task)
    chosen: list[tuple[Contestant, Form]] = []
    left_out = dict(absent)
    base: Result | None = None
    for contestant in CONTESTANTS:
        if contestant.package in missing or contestant.name in absent:
            continue
        forms = []
        for form in _prepared(contestant, task, data, effort, left_out):
            problem, result = _tried(task, data, form, base)
            if base is None and not problem:
                base = result
            if not problem:
                forms.append(form)
            elif contestant.name.startswith(OURS):
                raise ArithmeticError(f"bench: {contestant.name} fails at {task.name}: {problem}; run 'attnrec doctor'")
            else:
                left_out[f"{contestant.name}, {form.label}"] = problem
        if forms:
            chosen.append((contestant, best_of(forms, effort.turn_seconds, limit, effort.num_threads)))
    forms = [form for _, form in chosen]
    took = in_turns(forms, effort.rounds, effort.turn_seconds, limit, effort.num_threads, step)
    ours = {contestant.name: mine for (contestant, _), mine in zip(chosen, took, strict=True)}
    results = [
        {
            "name": contestant.name,
            "form": form.label,
            "prepared": contestant.prepared,
            "rounds": len(mine),
            "milliseconds": statistics.median(mine) * 1e3,
            "lowest_milliseconds": min(mine) * 1e3,
            "milliseconds_by_round": [seconds * 1e3 for seconds in mine],
            "gflops": data.flop / statistics.median(mine) / 1e9,
            "ratio_to_index": median_ratio(mine, ours[INDEX]),
            "ratio_to_arrays": median_ratio(mine, ours[ARRAYS]),
            "ratios": {name: median_ratio(mine, theirs) for name, theirs in ours.items() if name.startswith(OURS)},
        }
        for (contestant, form), mine in zip(chosen, took, strict=True)
    ]
    return asdict(task) | {"flop": data.flop, "results": results, "left_out": left_out}


def _prepared(
    contestant: Contestant, task: Task, data: Data, effort: Effort, left_out: dict[str, str]
) -> Iterator[Form]:
    """The forms of one contestant; a peer that fails to prepare is left out with its message."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch calls its sparse matrices experimental
            forms = list(contestant.forms(task, data, effort.num_threads))
    except Exception as error:
        if not contestant.package:
            raise
        left_out[contestant.name] = f"{type(error).__name__}: {error}"
        return
    yield from forms


def _tried(task: Task, data: Data, form: Form, base: Result | None) -> tuple[str, Result]:
    """What is wrong with a form, "" if nothing, and its result. The first is held against float64, the rest to it."""
    try:
        result = form.call()
    except Exception as error:  # whatever a library raises here is why it has no figure
        return f"{type(error).__name__}: {error}", {}
    if base is None:
        return _verify.untrue(task, data, result), result
    return _verify.disagreement(task, data, result, base), result


def _finish(record: Record, measured: list[tuple[float, float]]) -> None:
    """The ceiling, every speed as a part of it, and where a peer wins."""
    ceilings, shares = [gflops for gflops, _ in measured], [share for _, share in measured]
    top, share = statistics.median(ceilings), statistics.median(shares)
    record["ceiling"] = {"gflops": top, "lowest": min(ceilings), "highest": max(ceilings), "times": len(ceilings)}
    record["processor_share"] = share
    if min(share, min(ceilings) / max(ceilings)) < STEADY:
        record["notes"].append(DISTURBED.format(share, min(ceilings) / max(ceilings)))
    record["faster"] = []
    for work in record["workloads"]:
        ours = {one["name"]: one["milliseconds"] for one in work["results"]}
        for one in work["results"]:
            one["of_ceiling"] = one["gflops"] / top
            ratio = one["ratio_to_index" if one["prepared"] else "ratio_to_arrays"]
            if not one["name"].startswith(OURS) and ratio < 1:
                mine = INDEX if one["prepared"] else ARRAYS
                found = {"workload": work["name"], "name": one["name"], "milliseconds": one["milliseconds"]}
                record["faster"].append(found | {"ours": mine, "our_milliseconds": ours[mine], "ratio": ratio})
