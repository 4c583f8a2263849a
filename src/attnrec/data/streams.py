"""Bytes of a file, decompressed, in UTF-8, with progress. Knows nothing of columns or rows."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .._extras import have, need

__all__ = ["ByteStream", "broken_stream", "check_file", "one_line", "open_bytes", "open_text", "progress"]

_CODECS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2", ".lz4": "lz4"}
_LARGE = 50_000_000
_CHUNK = 1 << 20


def check_file(path: str | os.PathLike[str]) -> Path:
    """The path, if it is a regular file with something in it.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        If it does not exist, is a folder, or is empty or a pipe.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; give a file in it")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if not path.is_file():
        raise ValueError(f"{path}: is not a regular file, which is needed as it is read more than once")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty")
    return path


@contextlib.contextmanager
def progress(
    total: int, name: str, show: bool, unit: str = "B", large: int = _LARGE
) -> Iterator[Callable[[int], object]]:
    """A function to call with each amount done. It draws a bar if the work is large and stderr is a terminal."""
    if not (show and total >= large and sys.stderr.isatty() and have("tqdm")):
        yield lambda done: None
        return
    with need("tqdm", extra="models").tqdm(total=total, desc=name, unit=unit, unit_scale=True, leave=False) as bar:
        yield bar.update


class ByteStream(io.RawIOBase):
    """A readable file that counts newlines, replaces the separator ``::`` by one byte, and turns text into UTF-8."""

    def __init__(self, source: Any, *, old: bytes = b"", new: bytes = b"", encoding: str = "utf-8") -> None:
        super().__init__()
        self._source = source
        self._old, self._new = old, new
        self._tail = self._ready = b""
        self._done = False
        self._decoder = None if _is_utf8(encoding) else codecs.getincrementaldecoder(encoding)()
        self.newlines = 0
        self.last = b"\n"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At least one byte and at most ``size``, until the end."""
        limit = size if size > 0 else sys.maxsize
        while not self._ready and not self._done:
            self._ready = self._next(limit)
        data = self._ready
        if len(data) > limit:
            data, self._ready = data[:limit], data[limit:]
        else:
            self._ready = b""
        if data:
            self.newlines += data.count(b"\n")
            self.last = data[-1:]
        return data

    def _next(self, limit: int) -> bytes:
        raw = bytes(self._source.read(limit if limit < sys.maxsize else -1))
        self._done = not raw
        data = raw if self._decoder is None else self._decoder.decode(raw, final=self._done).encode("utf-8")
        if self._old:
            data = self._tail + data
            # "::" may be cut in two by the end of the block: hold back the odd colon
            odd = (len(data) - len(data.rstrip(self._old[:1]))) % 2 and not self._done
            data, self._tail = (data[:-1], data[-1:]) if odd else (data, b"")
            data = data.replace(self._old, self._new)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    @property
    def lines(self) -> int:
        """Lines read so far, a last one without a newline included."""
        return self.newlines + (self.last != b"\n")


class _Counted(io.RawIOBase):
    """A file that reports the bytes read from the disk."""

    def __init__(self, path: Path, update: Callable[[int], object]) -> None:
        super().__init__()
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self._update = update

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._update(len(data))
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def open_bytes(path: Path, update: Callable[[int], object] = lambda done: None) -> Any:
    """A file of the raw, decompressed bytes; the suffix names the compression (.gz, .zst, .bz2, .lz4)."""
    raw: Any = _Counted(path, update)
    codec = _CODECS.get(path.suffix.lower())
    if codec is None:
        return raw
    pa = need("pyarrow", extra="data")
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)


def open_text(path: Path, encoding: str = "utf-8") -> io.TextIOWrapper:
    """Decompressed text; a byte that is not text in UTF-8 becomes a lone surrogate, a byte order mark is skipped."""
    utf8 = _is_utf8(encoding)
    stream = io.BufferedReader(ByteStream(open_bytes(path), encoding=encoding), buffer_size=_CHUNK)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape" if utf8 else "strict", newline="")


def broken_stream(path: Path, error: Exception) -> ValueError:
    """The error to raise for a file that cannot be read to its end."""
    return ValueError(f"{path}: cannot be read or decompressed ({one_line(error)}); is the file complete?")


def one_line(error: Exception) -> str:
    """The message of an error, short and without line breaks."""
    return " ".join(str(error).split())[:200]


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    except LookupError:
        raise ValueError(f"encoding={encoding!r} is not a text encoding that Python knows") from None
