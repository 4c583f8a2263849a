"""A C99 and a Cython consumer, compiled against the package under test and run."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import sysconfig
from pathlib import Path

import pytest

import attnrec
from served import table
from toolchain import c_compiler, cxx_compiler, run, shared_flags

if attnrec.backend() != "compiled":
    pytest.skip("there is no C interface without the compiled extension", allow_module_level=True)

CONSUMERS = Path(__file__).parents[1] / "consumers"


def test_c99_consumer(tmp_path: Path) -> None:
    library = tmp_path / "consumer.so"
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    source = CONSUMERS / "consumer.c"
    run(*c_compiler(), *strict, *shared_flags(), f"-I{attnrec.get_include()}", source, "-o", library)
    consume = ctypes.CDLL(str(library)).consume
    consume.restype, consume.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    said = consume(table())
    assert said is None, said.decode()


def test_header_is_cpp_too(tmp_path: Path) -> None:
    source = tmp_path / "uses.cpp"
    source.write_text("#include <attnrec/attnrec.h>\nint main() { attnrec_api api{}; return api.size != 0; }\n")
    strict = ["-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    run(*cxx_compiler(), *strict, f"-I{attnrec.get_include()}", source)


def test_cython_consumer(tmp_path: Path) -> None:
    pytest.importorskip("Cython", reason="Cython is not installed: pip install 'attnrec[test]'")
    c_file = tmp_path / "cython_consumer.c"
    run(sys.executable, "-m", "cython", "-3", "-Wextra", CONSUMERS / "cython_consumer.pyx", "-o", c_file, cwd=tmp_path)
    module = tmp_path / f"cython_consumer{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = [f"-I{attnrec.get_include()}", f"-I{sysconfig.get_path('include')}"]
    run(*c_compiler(), "-O1", *shared_flags(), *include, c_file, "-o", module)
    spec = importlib.util.spec_from_file_location("cython_consumer", module)
    assert spec is not None
    assert spec.loader is not None
    consumer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(consumer)
    consumer.check()
