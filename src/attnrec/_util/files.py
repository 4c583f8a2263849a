"""Atomic writes: a file is complete or absent. Imports the standard library alone."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["written_beside"]


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path in the same folder to write to, and move what stands there to ``path`` at the end.

    File and folder are synced, so that after a crash the old file is there or the new one. After an error the part is
    deleted and ``path`` is as it was. The file has the permissions of any new file, whatever the writer gives it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    IsADirectoryError
        If ``path`` is a folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to save {path.name!r} in: make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder: name a file in it")
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        permissions = _made(beside)
        yield beside
        _sync(beside, os.O_RDWR, permissions)
        os.replace(beside, path)
        if os.name != "nt":  # where a folder can not be opened
            _sync(path.parent, os.O_RDONLY)
    finally:
        beside.unlink(missing_ok=True)


def _made(path: Path) -> int:
    """The permissions that a new file gets here, of one that is left for the owner to write to. To ask for the umask
    would set it for a moment, for all threads of the process."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    try:
        permissions = stat.S_IMODE(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
    path.chmod(permissions | stat.S_IRUSR | stat.S_IWUSR)
    return permissions


def _sync(path: Path, flags: int, permissions: int | None = None) -> None:
    """Have the file, or the names in the folder, written to the disk."""
    handle = os.open(path, flags)
    try:
        if permissions is not None:
            path.chmod(permissions)
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # of file systems that cannot sync a folder
            raise
    finally:
        os.close(handle)
