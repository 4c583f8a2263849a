"""Translation of error messages for the command line: options instead of Python arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

__all__ = ["ITEMS", "RATINGS", "SPLITS", "in_note", "in_options", "in_parameters"]

# Argument of the readers -> option; "name=value" -> what says so where that is another option.
RATINGS: Mapping[str, str] = {
    "user": "--user-column",
    "item": "--item-column",
    "rating": "--rating-column",
    "rating=False": "--implicit",
    "timestamp": "--timestamp-column",
    "timestamp=False": "--no-timestamps",
    "separator": "--separator",
    "header": "--header, --no-header or --columns",
    "header=True": "--header",
    "header=False": "--no-header",
    "encoding": "--encoding",
    "duplicates": "--duplicates",
    "missing": "--drop-bad",
    "missing='drop'": "--drop-bad",
    "rating_range": "--rating-range",
    "out_of_range": "--out-of-range",
}
ITEMS: Mapping[str, str] = {
    "id": "--id-column",
    "title": "--title-column",
    "separator": "--items-separator",
    "header": "--items-header, --items-no-header or --items-columns",
    "header=True": "--items-header",
    "header=False": "--items-no-header",
    "encoding": "--items-encoding",
}

# Argument of a way to split -> option.
SPLITS: Mapping[str, str] = {
    "n_splits": "--folds",
    "n_users": "--users",
    "test_fraction": "--test-fraction",
    "fold_in_fraction": "--fold-in",
    "time": "--time",
    "timestamps": "--timestamp-column",
}

# What only helps in Python -> what helps whoever has files.
_ADVICE = (
    (r"give (?:the arrays of )?[\w.]+\([^()]*\) to from_\w+", "write its rows as CSV or Parquet, and give that"),
    (r"read it with [\w.]+\([^()]*\) and give the frame instead", "write it again, as CSV or as plainer Parquet"),
    (r"the header that header= gives", "the header that was given by name"),
    (r"unpack it and read it with from_parquet", "unpack it"),
    (r"read it with from_parquet", "give Parquet and text apart"),
    (r"if it is text, read it with from_csv", "if it is text, call it .csv"),
    (r"or read text in it with from_csv", "or if it is text, call it .csv"),
    (r"name their column when reading, or pass timestamps=", "give --timestamp-column"),
    (r", or read the file by [\w.]+\([^()]*\) and give from_frame what that gives", ""),
)
_VALUE = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\([^()]*\)|\[[^\[\]]*\]|True\b|False\b|-?[\d.]*\d"""
# Not what is in a path (key=value folders), in quotes, or a folder that a message names.
_ARGUMENT = r"(?<![\w/\\'\"=.\-])(?<!the folder )({})=(?:({})(?![\w/]))?(?!\w)"


def in_options(message: str, options: Mapping[str, str]) -> str:
    """A message with options of the command line for arguments of Python.

    Parameters
    ----------
    message : str
    options : mapping
        :data:`RATINGS` or :data:`ITEMS`, whichever was read, or :data:`SPLITS`.
    """
    for wrong, right in _ADVICE:
        message = re.sub(wrong, right, message)
    names = sorted({key.partition("=")[0] for key in options}, key=len, reverse=True)
    found = _ARGUMENT.format("|".join(names), _VALUE)
    message = re.sub(rf"^({'|'.join(names)})(?= is )", lambda match: options[match[1]], message)
    message = re.sub(rf"\bpass (?={found})", "give ", message)
    return re.sub(found, lambda match: _option(match[1], match[2], options), message)


def in_parameters(message: str, model: str) -> str:
    """A message of an estimator, whose parameters are written behind its name."""
    return re.sub(r"\bpass (?=\w+=)", f"give --model {model.partition(':')[0]}:", message)


def in_note(message: str) -> str:
    """A warning of an estimator."""
    message = re.sub(r"\bnegative='(\w+)'", r"--model NAME:negative=\1", message)
    return re.sub(r" fit\(tune=\.\.\.\),", "", message)  # no command tunes


def _option(name: str, value: str | None, options: Mapping[str, str]) -> str:
    if value is None:
        return options[name]
    whole = options.get(f"{name}={value}")
    if whole is not None:
        return whole
    read = ast.literal_eval(value)
    parts = read if isinstance(read, (tuple, list)) else (read,)
    return " ".join([options[name], *map(_quoted, parts)])


def _quoted(value: object) -> str:
    """A value as a shell takes it; text in quotes, as messages have it."""
    if isinstance(value, str):
        return "'" + value.replace("'", "'\"'\"'") + "'"
    return f"{value:g}" if isinstance(value, float) else str(value)
