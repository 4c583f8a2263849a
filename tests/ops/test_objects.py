"""What the compiler makes of the kernels: symbols, initialisers, spills. Compiles isa.cpp once per instruction set."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from toolchain import cxx_compiler, run

ROOT = Path(__file__).resolve().parents[2]
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
    """No accumulator of an inner loop is moved to the stack: that made the tile three times slower. Sums of many terms,
    which are formed elsewhere, come back through it once a tile."""
    code = run(need("objdump"), "--disassemble", "--no-show-raw-insn", compiled(isa, tmp_path))
    bodies = dict(re.findall(r"^[0-9a-f]+ <(\w+)>:\n((?:.+\n)*)", code, re.M))
    tiles = {name: body for name, body in bodies.items() if re.search("scores_of|values_(of|tile)", name)}
    widest = max((body.count("vfmadd") for name, body in tiles.items() if "scores_of" in name), default=0)
    assert widest >= accumulators, "the tile of scores is not where this test looks"
    loops = {name: inner_loops(body) for name, body in tiles.items()}
    assert all(any("vfmadd" in loop for loop in found) for found in loops.values()), "no inner loop multiplies"
    for name, found in loops.items():
        spills = re.findall(rf"^.*(?:{register}\d+.*\(%rsp|\(%rsp.*{register}\d+).*$", "\n".join(found), re.M)
        assert not spills, f"{name} moves accumulators to the stack:\n" + "\n".join(spills[:5])


def inner_loops(body: str) -> list[str]:
    """The instructions between a jump backwards and where it goes, where there is no such jump in between."""
    lines = body.splitlines()
    at = {line.split(":")[0].strip(): row for row, line in enumerate(lines)}
    jumps = ((row, re.search(r"\tj\w+ +([0-9a-f]+) ", line)) for row, line in enumerate(lines))
    ends = [(at[found[1]], row) for row, found in jumps if found and at.get(found[1], row + 1) <= row]
    inner = [(a, b) for a, b in ends if not any((a, b) != (c, d) and a <= c and d <= b for c, d in ends)]
    return ["\n".join(lines[first : last + 1]) for first, last in inner]


# level: what it is made of, its flags beside those of that instruction set, and its product of 8-bit numbers
LEVELS = {
    "avx2": ("avx2", (), "vpmaddubsw"),
    "avxvnni": ("avx2", ("-mavxvnni", "-DATTNREC_VNNI"), "vpdpbusd"),
    "avx512": ("avx512", (), "vpmaddubsw"),
    "avx512vnni": ("avx512", ("-mavx512vnni", "-DATTNREC_VNNI"), "vpdpbusd"),
}


def innermost_loops(code: str) -> list[list[str]]:
    """Instructions of the loops without a jump inside, from a disassembly."""
    out = []
    for body in re.findall(r"^[0-9a-f]+ <[^>]+>:\n((?:.+\n)*)", code, re.M):
        rows = [(m[1], m[2]) for m in re.finditer(r"^\s*([0-9a-f]+):\s*(.*)$", body, re.M)]
        place = {address: i for i, (address, _) in enumerate(rows)}
        for i, (_, text) in enumerate(rows):
            jump = re.match(r"j\w+\s+([0-9a-f]+)", text)
            if jump and place.get(jump[1], i + 1) <= i:
                loop = [t for _, t in rows[place[jump[1]] : i]]
                if not any(re.match(r"j\w+\s", t) for t in loop):
                    out.append(loop)
    return out


@pytest.mark.parametrize("level", LEVELS)
def test_the_8_bit_tile_stays_in_registers(level: str, tmp_path: Path) -> None:
    isa, own, product = LEVELS[level]
    if isa not in isas_here():
        pytest.skip(f"the compiler here does not build for {isa}")
    for flag in own:
        assert re.search(rf"set\(flags_{level} .*{flag}[ )]", CMAKE), f"CMakeLists.txt builds {level} without {flag}"
    gnu = "Free Software" in run(*cxx_compiler(), "--version")
    assert "list(APPEND int8_options -fno-tree-pre)" in CMAKE
    target = tmp_path / "int8.o"
    flags = [f for f in flags_of(isa) if not f.startswith("-DATTNREC_ISA=")]
    common = ["-std=c++17", "-DNDEBUG", "-fPIC", "-ffp-contract=off", *(["-fno-tree-pre"] if gnu else [])]
    run(
        *cxx_compiler(),
        *common,
        *flags,
        *own,
        f"-DATTNREC_LEVEL={level}",
        "-c",
        ROOT / "csrc/kernels/int8.cpp",
        "-o",
        target,
    )
    code = run(need("objdump"), "--disassemble", "--no-show-raw-insn", target)
    loops = [loop for loop in innermost_loops(code) if any(product in text for text in loop)]
    assert max(sum(product in text for text in loop) for loop in loops) >= 12, "the tile is not where this test looks"
    for loop in loops:
        assert not [text for text in loop if "(%rsp" in text or "(%rbp" in text], f"{level} uses the stack in its loop"
