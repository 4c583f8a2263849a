"""Detection of the compression and type of a file by its first bytes, and decompression."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..._util.extras import require

__all__ = ["BROKEN", "is_parquet", "kind_of", "open_bytes", "refuse"]

BROKEN = (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What the standard library raises for packed bytes that it cannot unpack."""

_HEAD = 512
_PACKED = (
    ("gzip", b"\x1f\x8b"),
    ("zstd", b"\x28\xb5\x2f\xfd"),
    ("lz4", b"\x04\x22\x4d\x18"),
    ("xz", b"\xfd7zXZ\x00"),
    ("zip", b"PK\x03\x04"),
    ("zip", b"PK\x05\x06"),
    ("parquet", b"PAR1"),
    ("parquet", b"PARE"),
)
_BZ2 = (b"1AY&SY", b"\x17rE8P\x90")  # after "BZh" and a digit: a block, or the end of nothing
_UNPACK = "unpack it and give the file in it"
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (b"\x1f\x9d", "compressed by compress (.Z)", _UNPACK),
    (b"LZIP", "compressed by lzip", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", "compressed by snappy", _UNPACK),
    (b"ARROW1\x00\x00", "an Arrow file", "give pyarrow.feather.read_table(path) to from_frame"),
    (b"FEA1", "a Feather file", "give pyarrow.feather.read_table(path) to from_frame"),
    (b"Obj\x01", "an Avro file", "give polars.read_avro(path) to from_frame"),
    (b"\x93NUMPY", "a NumPy file", "give the arrays of numpy.load(path) to from_arrays"),
    (b"SQLite format 3\x00", "an SQLite database", "give pandas.read_sql(query, connection) to from_frame"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give pandas.read_hdf(path) to from_frame"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "give pandas.read_excel(path) to from_frame"),
)


class _Counted(io.RawIOBase):
    """A file that reports the bytes read from the disk."""

    def __init__(self, path: Path, update: Callable[[int], object]) -> None:
        super().__init__()
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self._update = update

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._update(len(data))
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """Bytes of one stream that come from others, which are closed with it."""

    def __init__(self, source: Any, *below: Any) -> None:
        super().__init__()
        self._source, self._below = source, below

    def read(self, size: int = -1) -> bytes:
        return bytes(self._source.read(size))

    def close(self) -> None:
        for stream in (self._source, *self._below):
            stream.close()
        super().close()


def kind_of(path: Path) -> str:
    """ "gzip", "bz2", "xz", "zstd", "lz4", "zip" or "parquet", or "" for a file that begins like none of them."""
    return _kind(_head(path))


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    return kind_of(path) == "parquet"


def refuse(path: Path, head: bytes | None = None) -> None:
    """Raise ValueError for what is no text, packed or not, by the first bytes of it or of what is packed in it.

    The message says what it is, and what can be done with it.
    """
    inside = head is not None
    head = _head(path) if head is None else head
    kind = _kind(head)
    if kind == "parquet":
        raise ValueError(
            f"{path}: this is a Parquet file{' that was compressed: unpack it and' if inside else ';'} "
            "read it with from_parquet"
        )
    if kind and inside:
        raise ValueError(f"{path}: packed twice, as {kind} is inside it; unpack it once")
    found = next(((what, fix) for magic, what, fix in _OTHERS if head.startswith(magic)), None)
    if head[257:262] == b"ustar":
        found = "a tar archive", _UNPACK
    if found is not None:
        raise ValueError(f"{path}: this is {found[0]}; {found[1]}")


def open_bytes(path: Path, update: Callable[[int], object] = lambda done: None) -> Any:
    """A file of the unpacked bytes; its first bytes tell how it is packed.

    Raises
    ------
    ValueError
        For a zip archive that does not hold one file alone, or is encrypted.
    """
    kind = kind_of(path)
    raw: Any = _Counted(path, update)
    try:
        if kind == "xz":
            return _Unpacked(lzma.LZMAFile(raw), raw)
        if kind == "zip":
            archive = zipfile.ZipFile(raw)
            return _Unpacked(archive.open(_member(path, archive)), archive, raw)
    except BROKEN as error:
        raw.close()
        raise OSError(str(error)) from error
    except ValueError:
        raw.close()
        raise
    if kind in ("gzip", "bz2", "zstd", "lz4"):
        pa = require("pyarrow", extra="data")
        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), kind)
    return raw


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD)


def _kind(head: bytes) -> str:
    if head.startswith(b"BZh") and head[3:4].isdigit() and head[4:10] in _BZ2:
        return "bz2"
    return next((kind for kind, magic in _PACKED if head.startswith(magic)), "")


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of an archive; what macOS adds does not count."""
    found = [
        info
        for info in archive.infolist()
        if not (info.is_dir() or info.filename.startswith("__MACOSX/") or Path(info.filename).name.startswith("."))
    ]
    names = [info.filename for info in found]
    if "xl/workbook.xml" in names:
        raise ValueError(f"{path}: this is an Excel workbook; give pandas.read_excel(path) to from_frame")
    if len(found) != 1:
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise ValueError(
            f"{path}: this is a zip archive of {len(found)} files{f' ({some})' if some else ''}; {_UNPACK}"
            f"{', or the paths of those that belong together' if len(found) > 1 else ''}"
        )
    if found[0].flag_bits & 1:
        raise ValueError(f"{path}: {names[0]} in this zip archive is encrypted; {_UNPACK}")
    return found[0]
