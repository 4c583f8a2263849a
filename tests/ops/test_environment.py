"""What surrounds a process: CPU quotas of containers, and environment variables that cannot be followed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attnrec as ar
from toolchain import cxx_compiler, run

ROOT = Path(__file__).parents[2]
compiled = pytest.mark.skipif(ar.backend() != "compiled", reason="NumPy has no threads of attnrec's to count")

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
OTHERS = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
)


def v1(folder: str, quota: str, period: str = "100000") -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


# name -> files below the root, processors that they pay for (0: no quota)
GROUPS: dict[str, tuple[dict[str, str], int]] = {
    "no files at all": ({}, 0),
    "v2": ({"sys/fs/cgroup/cpu.max": "400000 100000\n"}, 4),
    "v2, rounded up": ({"sys/fs/cgroup/cpu.max": "150001 100000\n"}, 2),
    "v2, less than one": ({"sys/fs/cgroup/cpu.max": "1000 100000\n"}, 1),
    "v2, another period": ({"sys/fs/cgroup/cpu.max": "30000 10000\n"}, 3),
    "v2, no quota": ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, 0),
    "v2, damaged": ({"sys/fs/cgroup/cpu.max": "400000\n"}, 0),
    "v2, empty": ({"sys/fs/cgroup/cpu.max": ""}, 0),
    "v2, more than any integer": ({"sys/fs/cgroup/cpu.max": "99999999999999999999 100000\n"}, 0),
    "v2, period 0": ({"sys/fs/cgroup/cpu.max": "100000 0\n"}, 0),
    "v2, a group of its own": (
        {
            "proc/self/mountinfo": V2,
            "proc/self/cgroup": "0::/user.slice/job.scope\n",
            "sys/fs/cgroup/user.slice/job.scope/cpu.max": "200000 100000\n",
        },
        2,
    ),
    "v2, the smallest of nested ones is above": (
        {
            "proc/self/mountinfo": V2,
            "proc/self/cgroup": "0::/pod/box/job\n",
            "sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/pod/box/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod/box/job/cpu.max": "800000 100000\n",
        },
        3,
    ),
    "v2, the smallest of nested ones is below": (
        {
            "proc/self/mountinfo": V2,
            "proc/self/cgroup": "0::/pod/box\n",
            "sys/fs/cgroup/pod/cpu.max": "800000 100000\n",
            "sys/fs/cgroup/pod/box/cpu.max": "150000 100000\n",
        },
        2,
    ),
    "v2, other groups do not count": (
        {
            "proc/self/mountinfo": V2,
            "proc/self/cgroup": "0::/pod\n",
            "sys/fs/cgroup/pod/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod2/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/pod/box/cpu.max": "100000 100000\n",
        },
        0,
    ),
    "v2, mounted elsewhere under a name with a blank": (
        {
            "proc/self/mountinfo": V2.replace("/sys/fs/cgroup", "/all\\040groups"),
            "proc/self/cgroup": "0::/pod\n",
            "all groups/pod/cpu.max": "500000 100000\n",
        },
        5,
    ),
    "v2, a group outside of what the container sees": (
        {
            "proc/self/mountinfo": V2.replace(" / ", " /../.. "),
            "proc/self/cgroup": "0::/../../other\n",
            "sys/fs/cgroup/cpu.max": "700000 100000\n",
        },
        7,
    ),
    "v1": (v1("sys/fs/cgroup/cpu", "250000"), 3),
    "v1, no quota": (v1("sys/fs/cgroup/cpu", "-1"), 0),
    "v1, quota without a period": ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n"}, 0),
    "v1, nested": (
        {
            "proc/self/mountinfo": OTHERS + V1,
            "proc/self/cgroup": "4:cpuset:/elsewhere\n3:cpu,cpuacct:/batch/job\n0::/\n",
            **v1("sys/fs/cgroup/cpu,cpuacct", "-1"),
            **v1("sys/fs/cgroup/cpu,cpuacct/batch", "600000"),
            **v1("sys/fs/cgroup/cpu,cpuacct/batch/job", "-1"),
            **v1("sys/fs/cgroup/cpu,cpuacct/elsewhere", "100000"),
        },
        6,
    ),
    "v1, a container that sees its own group as the top": (
        {
            "proc/self/mountinfo": V1.replace(" / ", " /docker/0c1d "),
            "proc/self/cgroup": "3:cpu,cpuacct:/docker/0c1d\n",
            **v1("sys/fs/cgroup/cpu,cpuacct", "200000"),
        },
        2,
    ),
    "v1, a group below the container's": (
        {
            "proc/self/mountinfo": V1.replace(" / ", " /docker/0c1d "),
            "proc/self/cgroup": "3:cpu,cpuacct:/docker/0c1d/job\n",
            **v1("sys/fs/cgroup/cpu,cpuacct", "400000"),
            **v1("sys/fs/cgroup/cpu,cpuacct/job", "100000"),
        },
        1,
    ),
    "v1, a name that only begins as the container's": (
        {
            "proc/self/mountinfo": V1.replace(" / ", " /docker/0c "),
            "proc/self/cgroup": "3:cpu,cpuacct:/docker/0c1d\n",
            **v1("sys/fs/cgroup/cpu,cpuacct", "400000"),
            **v1("sys/fs/cgroup/cpu,cpuacct1d", "100000"),
        },
        4,
    ),
    "v1 and v2": (
        {
            "proc/self/mountinfo": V1 + V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
            "proc/self/cgroup": "3:cpu,cpuacct:/a\n0::/b\n",
            **v1("sys/fs/cgroup/cpu,cpuacct/a", "400000"),
            "sys/fs/cgroup/unified/b/cpu.max": "300000 100000\n",
        },
        3,
    ),
    "lines of no sense": (
        {
            "proc/self/mountinfo": "\n1 2\n- cgroup2\n" + "x " * 500 + "\n" + V2,
            "proc/self/cgroup": "\n:\nno colon\n0::/pod\n",
            "sys/fs/cgroup/pod/cpu.max": "200000 100000\n",
        },
        2,
    ),
}


@pytest.fixture(scope="module")
def quotas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not sys.platform.startswith("linux"):
        pytest.skip("control groups are Linux's")
    program = tmp_path_factory.mktemp("quota") / "quota"
    sources = [ROOT / "tests" / "consumers" / "quota.cpp", ROOT / "csrc" / "core" / "processors.cpp"]
    run(*cxx_compiler(), "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'csrc'}", *sources, "-o", program)
    return program


def forge(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("name", GROUPS)
def test_a_cpu_quota_counts_as_processors(name: str, quotas: Path, tmp_path: Path) -> None:
    files, processors = GROUPS[name]
    assert run(quotas, forge(tmp_path, files)) == f"{processors}\n"


def test_quotas_are_rounded_as_joblib_does(quotas: Path, tmp_path: Path) -> None:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 10**9), st.integers(1, 10**6))
    def check(quota: int, period: int) -> None:
        roots = [
            forge(tmp_path / "v2", {"sys/fs/cgroup/cpu.max": f"{quota} {period}\n"}),
            forge(tmp_path / "v1", v1("sys/fs/cgroup/cpu", str(quota), str(period))),
        ]
        assert run(quotas, *roots).split() == [str(min(math.ceil(quota / period), 2**31 - 1))] * 2

    check()


@compiled
def test_as_many_threads_as_joblib_counts_processors() -> None:
    joblib = pytest.importorskip("joblib", reason="joblib is not installed: pip install 'attnrec[test]'")
    assert ar.config.processors() <= joblib.cpu_count()  # which looks at the outermost group alone
    assert ar.show_config()["processors"] == ar.config.processors()
    assert after({"OMP_NUM_THREADS": ""}, "print(ar.num_threads())") == f"{ar.config.processors()}\n"


def after(environment: dict[str, str], code: str) -> str:
    """What a new process with these variables prints; of a failure, the last line."""
    unset = {"ATTNREC_NUM_THREADS": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", f"import attnrec as ar\n{code}"]
    env = {**os.environ, **unset, **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else done.stderr.splitlines()[-1]


@compiled
@pytest.mark.parametrize("value", ["two", "2x", "-1", "1e3", "2.0", "0x2", "4097", "9" * 40, "2,3", "é", "2\n"])
def test_a_mistyped_number_of_threads_is_an_error(value: str) -> None:
    said = after({"ATTNREC_NUM_THREADS": value, "OMP_NUM_THREADS": "3"}, "ar.topk([[1.0]], [[2.0]], 1)")
    shown = "".join(chr(b) if 32 <= b < 127 else f"\\x{b:02x}" for b in os.fsencode(value))
    assert said.startswith(f"ValueError: ATTNREC_NUM_THREADS={shown} is not a number of threads; give a whole number")


@compiled
def test_a_mistyped_number_of_threads_is_said_when_it_is_needed() -> None:
    code = """
for ask in (ar.num_threads, ar.show_config, lambda: ar.topk([[1.0]], [[2.0]], 1), ar.thread_limit(1).__enter__):
    try:
        ask()
    except ValueError as error:
        assert "ATTNREC_NUM_THREADS=two" in str(error)
    else:
        raise AssertionError(ask)
ar.topk([[1.0]], [[2.0]], 1, num_threads=2)
ar.set_num_threads(3)
print(ar.num_threads())
ar.set_num_threads(0)
import os
os.environ["ATTNREC_NUM_THREADS"] = "5"
print(ar.num_threads())
"""
    assert after({"ATTNREC_NUM_THREADS": "two"}, code) == "3\n5\n"


@compiled
@pytest.mark.parametrize(
    ("ours", "openmp", "threads"),
    [
        ("3", "2", 3),
        (" 3\t", "2", 3),
        ("4096", "2", 4096),
        ("", "5", 5),
        ("0", "5", 5),
        ("", "5,2", 5),
        ("", " 5 , 2", 5),
        ("", "two", None),
        ("", "5x", None),
        ("", "0", None),
        ("", "-3", None),
    ],
)
def test_which_number_of_threads_counts(ours: str, openmp: str, threads: int | None) -> None:
    said = after({"ATTNREC_NUM_THREADS": ours, "OMP_NUM_THREADS": openmp}, "print(ar.num_threads())")
    assert said == f"{ar.config.processors() if threads is None else threads}\n"


@pytest.mark.parametrize(
    ("name", "code", "fix"),
    [
        pytest.param("ATTNREC_ISA", "ar.isa()", "choose one of", marks=compiled),
        pytest.param("ATTNREC_ISA", "ar.topk([[1.0]], [[2.0]], 1)", "choose one of", marks=compiled),
        ("ATTNREC_BACKEND", "ar.backend()", "choose one of compiled, reference"),
        ("ATTNREC_BACKEND", "ar.topk([[1.0]], [[2.0]], 1)", "choose one of compiled, reference"),
        ("ATTNREC_BACKEND", "ar.ItemIndex([[2.0]])", "choose one of compiled, reference"),
    ],
)
def test_other_variables_are_treated_alike(name: str, code: str, fix: str) -> None:
    said = after({name: "mmx"}, code)
    assert said.startswith(f"ValueError: {name}=mmx ")
    assert fix in said
    assert "or unset it" in said
    assert after({name: ""}, f"{code}\nprint('as if unset')") == "as if unset\n"


WRONG = {"ATTNREC_NUM_THREADS": "two", "ATTNREC_ISA": "mmx", "ATTNREC_BACKEND": "numpy"}


@compiled
@pytest.mark.parametrize("name", [*WRONG, "ATTNREC_DEBUG"])
def test_the_command_line_says_it_in_one_line(name: str) -> None:
    command = [sys.executable, "-m", "attnrec", "demo", "--json"]
    env = {**os.environ, name: "yes", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attnrec: error: {name}=yes ")


@compiled
def test_the_doctor_still_answers() -> None:
    command = [sys.executable, "-m", "attnrec", "doctor", "--json"]
    env = {**os.environ, **WRONG, "ATTNREC_NUM_THREAD": "4", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    lines = {"ATTNREC_NUM_THREADS": "threads", "ATTNREC_ISA": "instructions", "ATTNREC_BACKEND": "backend"}
    for name, value in WRONG.items():
        assert found[lines[name]]["state"] == "fail"
        assert found[lines[name]]["detail"].startswith(f"{name}={value} ")
        assert "unset it" in found[lines[name]]["fix"]
    assert found["environment"]["detail"] == "ATTNREC_NUM_THREAD is not read"
    assert found["environment"]["fix"] == "name it ATTNREC_NUM_THREADS if that is meant"
    assert {"attnrec", "python", "system", "openmp"} <= found.keys()
