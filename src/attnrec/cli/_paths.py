"""Paths that a command reads: one file, a folder, a pattern, or several files."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

__all__ = ["DATA", "Files", "as_files", "is_model"]


class _Data(click.Path):
    """A file or folder that is there, or a pattern such as ``'ratings/*.csv'``."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(exists=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if glob.has_magic(str(value)) and not Path(value).exists():
            return Path(value)
        return super().convert(value, param, ctx)


DATA = _Data()


@dataclass(frozen=True)
class Files:
    """What is read as one; ``str`` is what messages call it."""

    paths: tuple[Path, ...]

    @property
    def given(self) -> Any:
        """As the readers take it."""
        return self.paths[0] if len(self.paths) == 1 else list(self.paths)

    @property
    def is_model(self) -> bool:
        """Whether it is a saved model."""
        return len(self.paths) == 1 and is_model(self.paths[0])

    @property
    def name(self) -> str:
        """Without its folder."""
        return self._called(self.paths[0].name)

    def __str__(self) -> str:
        return self._called(str(self.paths[0]))

    def _called(self, first: str) -> str:
        return first if len(self.paths) == 1 else f"{first} and {len(self.paths) - 1} more"


def as_files(ctx: click.Context, param: click.Parameter, value: tuple[Path, ...]) -> Files:
    """The callback of an argument that takes several."""
    model = next((path for path in value if is_model(path)), None)
    if model is not None and len(value) > 1:
        raise click.BadParameter(f"{model} is a model; give it alone, or files of ratings", ctx, param)
    return Files(value)


def is_model(path: Path) -> bool:
    """Whether the name says that the file is a saved model."""
    return path.suffix.lower() == ".safetensors"
