"""The bundled demo data: real films and simulated viewers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .tastes import describe

if TYPE_CHECKING:
    from ..interactions import Interactions
    from ..items import Items

__all__ = ["Demo", "load_demo"]

_FOLDER = Path(__file__).parent
_FIRST_DAY = np.datetime64("2015-01-01", "s").astype(np.int64)
_DAY = 86_400


@dataclass(frozen=True)
class Demo:
    """Interactions, films and what each viewer likes.

    Attributes
    ----------
    interactions : Interactions
        Ratings from 1 to 5 in half stars with timestamps in seconds; users are 1 .. 2000, items are numbers of films.
    items : Items
        Title, year, genres and keywords of each film; genres and keywords are separated by ``|``.
    viewers : dict of int -> str
        Taste that each viewer was simulated with, in words.
    """

    interactions: Interactions
    items: Items
    viewers: dict[int, str]


def load_demo() -> Demo:
    """Load the bundled set: 222 well-known films and 2,000 SIMULATED viewers with 30 to 60 ratings each.

    The films and their facts are real. The viewers, what they watched and how they rated it come from a seeded
    simulation (:mod:`attnrec.data.demo.simulate`), so that recommendations can be compared with a known taste. Use the
    set to explore the library, not to compare methods. Released under the project's licence or CC0 1.0, as you choose.

    Returns
    -------
    Demo
        Interactions, films and tastes.

    Raises
    ------
    ImportError
        If the extra ``data`` is not installed.

    Examples
    --------
    >>> from attnrec.data import load_demo
    >>> demo = load_demo()
    >>> demo.interactions
    Interactions(2,000 users, 222 items, 79,978 ratings 1 .. 5, density 18.01 %)
    >>> demo.viewers[6]
    'likes science fiction and films set in space, above all those of the 1980s; dislikes animation'
    >>> demo.items.row(72)["title"]
    'Alien'
    """
    from ..interactions import Interactions
    from ..items import read_items

    with np.load(_FOLDER / "viewings.npz", allow_pickle=False) as file:
        viewings = {name: file[name] for name in file.files}
    counts = viewings["counts"].astype(np.int64)
    viewer = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(viewer)) - np.repeat(np.cumsum(counts) - counts, counts)
    days = viewings["first_day"].astype(np.int64)[viewer] + place * viewings["gap"].astype(np.int64)[viewer]
    interactions = Interactions.from_arrays(
        viewer + 1,
        viewings["films"].astype(np.int64) + 1,
        viewings["halves"].astype(np.float32) / 2,
        _FIRST_DAY + days * _DAY + 20 * 3_600,
        rating_range=(1, 5),
    )
    tastes = viewings["tastes"].tolist()
    viewers = {number: describe(taste[:2], *taste[2:]) for number, taste in enumerate(tastes, 1)}
    return Demo(interactions, read_items(_FOLDER / "films.csv"), viewers)
