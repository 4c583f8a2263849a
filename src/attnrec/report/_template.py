"""Pages from the templates of this package, in which every value is text: nothing that is passed in becomes markup."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .._util.extras import require

__all__ = ["environment", "render"]

jinja2 = require("jinja2", extra="cli")

# What HTML does not allow in a document: control characters but white space, halves of surrogate pairs, non-characters.
_BARRED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@cache
def environment() -> Any:
    """The Jinja2 environment of the templates.

    Every value is made plain text before it is escaped, so a ``Markup`` string, an object with ``__html__`` and the
    filter ``safe`` are escaped too. Templates are therefore combined by ``include``: what a macro returns would be
    escaped. A name that a template uses and nobody passed is an error.
    """
    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def render(template: str, **values: object) -> str:
    """The text of a template of this package, filled with values."""
    return str(environment().get_template(template).render(values))


def _plain(value: object) -> str:
    """A value as text without the characters that HTML bars; each of them becomes a replacement character."""
    return _BARRED.sub("\N{REPLACEMENT CHARACTER}", str(value))
