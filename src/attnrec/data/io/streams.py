"""Stream of the text of a file, decompressed and in UTF-8, with a progress bar."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..._util.extras import is_installed, require
from .blanks import Trimmer
from .magic import BROKEN, open_bytes

__all__ = ["ByteStream", "broken_stream", "check_file", "one_line", "open_text", "progress"]

_LARGE = 50_000_000
_CHUNK = 1 << 20


def check_file(path: str | os.PathLike[str], *, empty: bool = False) -> Path:
    """The path, if it is a regular file with something in it, or ``empty``.

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
    if path.stat().st_size == 0 and not empty:
        raise ValueError(f"{path}: the file is empty")
    return path


@contextlib.contextmanager
def progress(
    total: int, name: str, show: bool, unit: str = "B", large: int = _LARGE
) -> Iterator[Callable[[int], object]]:
    """A function to call with each amount done. It draws a bar if the work is large and stderr is a terminal."""
    if not (show and total >= large and sys.stderr.isatty() and is_installed("tqdm")):
        yield lambda done: None
        return
    with require("tqdm", extra="models").tqdm(total=total, desc=name, unit=unit, unit_scale=True, leave=False) as bar:
        yield bar.update


class ByteStream(io.RawIOBase):
    """A readable file that counts newlines, replaces the separator ``::`` by one byte, and turns text into UTF-8.

    A byte order mark is left out. ``returns`` counts carriage returns that stand alone, which also end lines.

    ``through`` is given each block and gives what stands for it, as :class:`~attnrec.data.io.blanks.Trimmer` does.
    """

    def __init__(
        self, source: Any, *, old: bytes = b"", new: bytes = b"", encoding: str = "utf-8", through: Any = None
    ) -> None:
        super().__init__()
        self._source = source
        self._through = through
        self._old, self._new = old, new
        self._tail = self._ready = b""
        self._done = self._begun = False
        self._decoder = None if _is_utf8(encoding) else codecs.getincrementaldecoder(encoding)()
        self.newlines = self.returns = 0
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
            if b"\r" in data and b"\r\n" not in data:
                self.returns += data.count(b"\r")
            self.last = data[-1:]
        return data

    def _next(self, limit: int) -> bytes:
        try:
            raw = bytes(self._source.read(limit if limit < sys.maxsize else -1))
        except BROKEN as error:
            raise OSError(str(error)) from error
        self._done = not raw
        data = raw if self._decoder is None else self._decoder.decode(raw, final=self._done).encode("utf-8")
        if data and not self._begun:
            data, self._begun = data.removeprefix(codecs.BOM_UTF8), True
        if self._old:
            data = self._tail + data
            # "::" may be cut in two by the end of the block: hold back the odd colon
            odd = (len(data) - len(data.rstrip(self._old[:1]))) % 2 and not self._done
            data, self._tail = (data[:-1], data[-1:]) if odd else (data, b"")
            data = data.replace(self._old, self._new)
        if self._through is not None:
            data = self._through.feed(data, final=self._done)
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


def open_text(path: Path, encoding: str = "utf-8", trim: str = "") -> io.TextIOWrapper:
    """Unpacked text; a byte that is not text in UTF-8 becomes a lone surrogate, a byte order mark is skipped.

    ``trim`` is the separator beside which blanks are taken away, if it is one character.
    """
    utf8 = _is_utf8(encoding)
    through = Trimmer(trim.encode(), quoted=True) if len(trim) == 1 else None
    source = ByteStream(open_bytes(path), encoding=encoding, through=through)
    stream = io.BufferedReader(source, buffer_size=_CHUNK)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape" if utf8 else "strict", newline="")


def broken_stream(path: Path, error: Exception) -> ValueError:
    """The error to raise for a file that cannot be read to its end."""
    return ValueError(f"{path}: cannot be read or decompressed ({one_line(error)}); is the file complete?")


def one_line(error: Exception) -> str:
    """The message of an error, short and without line breaks."""
    return " ".join(str(error).split())[:200]


def _is_utf8(encoding: str) -> bool:
    try:
        "".encode(encoding)  # refuses codecs of bytes, such as base64
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    except (LookupError, TypeError):
        raise ValueError(f"encoding={encoding!r} is not a text encoding that Python knows") from None
