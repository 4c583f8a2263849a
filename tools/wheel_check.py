"""Checks a wheel as users get it: where there is no libgomp, and beside other libraries that use OpenMP.

`python tools/wheel_check.py FOLDER` takes the one wheel in FOLDER, which auditwheel has repaired. Run in an environment
with that wheel and those of torch, scikit-learn and faiss-cpu that it is to be put beside. Linux.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

BESIDE = {"torch": "torch", "sklearn": "scikit-learn", "faiss": "faiss-cpu"}
# What a wheel that relies on the system's libgomp would meet; without it there would be nothing to show.
HIDDEN = """
import ctypes
try: ctypes.CDLL("libgomp.so.1")
except OSError: pass
else: raise SystemExit("the system's libgomp is found: it is not hidden")
"""
ALONE = """
import numpy as np, attnrec as ar
from attnrec.doctor import examine
q = np.random.default_rng(0).random((300, 64), np.float32)
scores = q.astype(float) @ q.T.astype(float)
assert (ar.topk(q, q, 1, num_threads=3).ids[:, 0] == scores.argmax(axis=1)).all()
assert ar.show_config()["threading"] == "openmp" and not [f for f in examine() if f.state == "fail"]
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}
assert len(mapped) == 1 and "attnrec.libs" in next(iter(mapped)), mapped
print(*mapped)
"""
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
TOGETHER = """
import faulthandler, os, sys
faulthandler.dump_traceback_later(900, exit=True)
names = sys.argv[1].split(",")
for name in names: __import__(name)
import numpy as np, attnrec as ar
from attnrec.doctor import openmp_runtimes
r = np.random.default_rng(0)
q, v = r.random((300, 64), np.float32), r.random((3000, 64), np.float32)
want = np.argsort(-(q.astype(float) @ v.T.astype(float)), axis=1, kind="stable")[:, :5]
def ours(): return bool((ar.topk(q, v, 5, num_threads=2).ids == want).all())
def everybody():
    assert ours()
    if "torch" in names:
        import torch
        assert torch.get_num_threads() == 2
        assert ((torch.from_numpy(q) @ torch.from_numpy(v).T).topk(5).indices.numpy() == want).all()
    if "faiss" in names:
        import faiss
        index = faiss.IndexFlatIP(64)
        index.add(v)
        assert (index.search(q, 5)[1] == want).all()
    if "sklearn" in names:
        from sklearn.cluster import KMeans
        assert len(set(KMeans(4, n_init=1, random_state=0).fit(q).labels_)) == 4
    assert ours()
everybody()
child = os.fork()
if child == 0: os._exit(not ours())
assert os.waitpid(child, 0)[1] == 0, "wrong in a forked child"
everybody()
files = [os.path.basename(path) for path in openmp_runtimes()]
print(f"{len(files)} OpenMP runtimes: {', '.join(files)}")
"""


def run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "2"}
    )
    if done.returncode != 0:
        sys.exit(f"wheel: failed with {done.returncode}: {command[-1]:.60}\n{done.stdout[-1000:]}{done.stderr[-4000:]}")
    return done.stdout.strip()


def check_contents(wheel: Path) -> None:
    """The name says manylinux, the runtime is inside, and the whole is small."""
    names = zipfile.ZipFile(wheel).namelist()
    if "manylinux" not in wheel.name or not any("attnrec.libs/libgomp" in name for name in names):
        sys.exit(f"wheel: {wheel.name} is not repaired: auditwheel repair puts libgomp into it")
    if wheel.stat().st_size > 3 << 20:
        sys.exit(f"wheel: {wheel.name} has {wheel.stat().st_size} bytes; it had less than one million")
    print(f"wheel: {wheel.name}, {wheel.stat().st_size} bytes, brings its own libgomp")


def check_without_libgomp(empty: Path, tests: list[Path]) -> None:
    """In a mount namespace of a child, where the system's library is an empty file."""
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    paths = sorted({os.path.realpath(line.split("=> ")[1]) for line in found.splitlines() if "libgomp.so.1 " in line})
    if paths and (os.geteuid() != 0 or shutil.which("unshare") is None):
        print("wheel: SKIPPED without libgomp: hiding the system's needs root and unshare")
        return
    empty.write_bytes(b"")
    hide = "".join(f"mount --bind '{empty}' '{path}' && " for path in paths)
    child = ("unshare", "--mount", "sh", "-c", f'{hide} exec "$0" "$@"', sys.executable)
    run(*child, "-c", HIDDEN)
    print(f"wheel: works with {', '.join(paths) or 'no libgomp'} hidden, on {run(*child, '-c', ALONE)}")
    if tests:
        outcome = run(*child, *PYTEST, *map(str, tests)).splitlines()[-1]
        print(f"wheel: there, {', '.join(path.name for path in tests)}: {outcome}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, default=6, help="orders of imports to try (default: 6; all: 24)")
    parser.add_argument("--tests", type=Path, nargs="*", default=[], help="tests to run where libgomp is hidden")
    options = parser.parse_args()
    wheels = list(options.folder.glob("attnrec-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"wheel: {options.folder} holds {len(wheels)} wheels of attnrec, not one")
    check_contents(wheels[0])
    check_without_libgomp(options.folder.resolve() / "empty", [path.resolve() for path in options.tests])
    here = [name for name in BESIDE if importlib.util.find_spec(name)]
    for name in BESIDE.keys() - set(here):
        print(f"wheel: SKIPPED beside {BESIDE[name]}: it is not installed")
    orders = list(itertools.permutations(["attnrec", *here]))
    for order in orders[:: max(1, len(orders) // options.orders)]:
        print(f"wheel: {', then '.join(order)}: {run(sys.executable, '-c', TOGETHER, ','.join(order))}", flush=True)


if __name__ == "__main__":
    main()
