"""What the compiler makes of the kernels: symbols, initialisers, spills. Compiles isa.cpp once per instruction set."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from toolchain import cxx_compiler, run

ROOT = Path(__file__).resolve().parent.parent
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def flags_of(isa: str) -> list[str]:
    """Flags of an instruction set as CMakeLists.txt has them."""
    assert "ATTNREC_ISA=${isa} ATTNREC_ISA_${upper}" in CMAKE
    shared = re.search(r"target_compile_options\(attnrec_isa_\$\{isa\} PRIVATE (.*) \$\{flags_\$\{isa\}\}\)", CMAKE)
    own = re.search(rf"set\(flags_{isa} (.*?)\)", CMAKE)
    assert shared, "CMakeLists.txt no longer says how the kernels are compiled; change this test with it"
    assert own, f"CMakeLists.txt no longer sets flags_{isa}"
    assert "-ffp-contract=off" in CMAKE
    named = [f"-DATTNREC_ISA={isa}", f"-DATTNREC_ISA_{isa.upper()}"]
    return [*shared[1].split(), *own[1].replace('""', "").split(), *named]


def isas_here() -> list[str]:
    """Instruction sets that the compiler of this machine builds for."""
    told = subprocess.run([*cxx_compiler(), "-dumpmachine"], capture_output=True, text=True, check=True).stdout
    return ["scalar", "avx2", "avx512"] if told.startswith("x86_64") else ["scalar", "neon"]


def compiled(isa: str, folder: Path) -> Path:
    if isa not in isas_here():
        pytest.skip(f"the compiler here does not build for {isa}")
    target = folder / f"{isa}.o"
    common = ["-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off"]
    run(*cxx_compiler(), *common, *flags_of(isa), "-c", ROOT / "csrc/kernels/isa.cpp", "-o", target)
    return target


def need(tool: str) -> str:
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool}: binutils is not installed")
    return tool


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512", "neon"])
def test_one_symbol_and_no_initialiser(isa: str, tmp_path: Path) -> None:
    """A weak symbol could stand in for another instruction set's; an initialiser would run on every machine."""
    target = compiled(isa, tmp_path)
    rows = [line.split() for line in run(need("nm"), "--extern-only", "--defined-only", target).splitlines()]
    table = f"_ZN7attnrec{len(isa) + 8}kernels_{isa}E"
    assert [(kind.upper(), name) for _, kind, name in rows] in ([("D", table)], [("R", table)]), rows
    wanted = {line.split()[-1] for line in run("nm", "--undefined-only", target).splitlines()}
    assert wanted <= {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}, f"the kernels call {wanted}"
    sections = run(need("objdump"), "--section-headers", target)
    assert not re.search(r"\.init_array|\.ctors", sections), "something runs before main()"


@pytest.mark.parametrize(("isa", "register", "accumulators"), [("avx512", "zmm", 24), ("avx2", "ymm", 12)])
def test_the_tile_stays_in_registers(isa: str, register: str, accumulators: int, tmp_path: Path) -> None:
    """No accumulator of the inner loop is moved to the stack: that made the tile three times slower."""
    code = run(need("objdump"), "--disassemble", "--no-show-raw-insn", compiled(isa, tmp_path))
    bodies = dict(re.findall(r"^[0-9a-f]+ <(\w+)>:\n((?:.+\n)*)", code, re.M))
    tiles = {name: body for name, body in bodies.items() if re.search("scores_of|values_(of|tile)", name)}
    widest = max((body.count("vfmadd") for name, body in tiles.items() if "scores_of" in name), default=0)
    assert widest >= accumulators, "the tile of scores is not where this test looks"
    for name, body in tiles.items():
        spills = re.findall(rf"^.*(?:{register}\d+.*\(%rsp|\(%rsp.*{register}\d+).*$", body, re.M)
        assert not spills, f"{name} moves accumulators to the stack:\n" + "\n".join(spills[:5])
