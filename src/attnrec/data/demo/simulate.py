"""Simulation of the viewers of the demo data: ``python -m attnrec.data.demo.simulate`` writes viewings.npz again.

It draws integers alone, from the raw bits of PCG64, so that every machine and NumPy version writes the same file.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from .tastes import CIRCLES, ERAS, GENRES, KEYWORDS

__all__ = ["FOLDER", "read_films", "simulate"]

FOLDER = Path(__file__).parent
SEED = 20_240_229
VIEWERS = 2_000
Array = np.ndarray[Any, np.dtype[Any]]


class _Dice:
    """Uniform integers below a bound, from the raw stream of PCG64 (fixed by NumPy for good)."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def below(self, bound: Any, *shape: int) -> Array:
        """Integers in [0, bound); bounds below 2^31, where multiply-and-shift is even to 1e-9."""
        raw = self._bits.random_raw(int(np.prod(shape))).reshape(shape) >> np.uint64(32)
        scaled: Array = (raw * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32)
        return scaled.astype(np.int64)

    def bell(self, width: int, *shape: int) -> Array:
        """Integers around 0 with standard deviation ``width``: half the sum of six uniform ones."""
        reach = 1414 * width // 1000  # uniform in [-r, r] has variance near r^2 / 3, so half of six near r^2 / 2
        out: Array = self.below(2 * reach + 1, 6, *shape).sum(axis=0) // 2 - 3 * reach
        return out


def read_films(path: Path = FOLDER / "films.csv") -> list[dict[str, str]]:
    """The rows of films.csv as they are written: film, title, year, genres and keywords (both parted by ``|``)."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _traits(films: list[dict[str, str]]) -> tuple[Array, Array, Array]:
    """(films, genres), (films, keywords) and (films, eras) as 0/1."""
    genres = np.array([[g in f["genres"].split("|") for g in GENRES] for f in films])
    keywords = np.array([[k in f["keywords"].split("|") for k in KEYWORDS] for f in films])
    eras = np.array([[a <= int(f["year"]) <= z for a, z, _ in ERAS] for f in films])
    return genres, keywords, eras


def _tastes(dice: _Dice, n: int, genres: Array, keywords: Array) -> Array:
    """(n, 5): genre, a second genre or -1, keyword, era or -1, disliked genre or -1; no genre twice."""
    count = len(GENRES)
    circles = np.array([(list(GENRES).index(g), list(KEYWORDS).index(k)) for g, k in CIRCLES])
    first, keyword = circles[dice.below(len(circles), n)].T
    second = (first + 1 + dice.below(count - 1, n)) % count
    second[dice.below(100, n) < 65] = -1
    era = np.where(dice.below(100, n) < 40, dice.below(len(ERAS), n), -1)
    # Nobody dislikes what is mostly liked, such as family films next to animation: take the next genre that is not.
    liked = _has(genres, first) | _has(genres, second) | _has(keywords, keyword)
    clash = liked.astype(np.int64) @ genres.astype(np.int64) * 4 > genres.sum(axis=0)
    tries = (dice.below(count, n)[:, None] + np.arange(count)) % count
    free = ~np.take_along_axis(clash, tries, axis=1)
    disliked = tries[np.arange(n), np.argmax(free, axis=1)]
    disliked[(dice.below(100, n) < 15) | ~free.any(axis=1)] = -1
    return np.stack([first, second, keyword, era, disliked], axis=1)


def _has(traits: Array, choice: Array) -> Array:
    """(viewers, films): does the film have the chosen trait; never for -1."""
    found: Array = traits.T[choice] & (choice >= 0)[:, None]
    return found


def simulate() -> dict[str, Array]:
    """The viewers' tastes and what they watched, in order.

    Returns
    -------
    dict
        ``tastes`` (viewers, 5) int8, see :func:`attnrec.data.demo.tastes.describe`; ``counts`` (viewers,) films
        watched by each; ``films`` (sum of counts,) film - 1 in order of watching; ``halves`` the rating in half
        stars, 2..10; ``first_day`` (viewers,) days after 2015-01-01, and ``gap`` days between two films.
    """
    dice = _Dice(SEED)
    films = read_films()
    genres, keywords, eras = _traits(films)
    tastes = _tastes(dice, VIEWERS, genres, keywords)
    first, second, keyword, era, disliked = tastes.T
    n = len(films)

    liked_genre = _has(genres, first) | _has(genres, second)
    liked_topic, liked_era = _has(keywords, keyword), _has(eras, era)
    hated = _has(genres, disliked)
    liked = liked_genre | liked_topic

    # Hundredths of a star. The quality of a film and the mildness of a viewer are made up too.
    quality = dice.bell(15, n)
    mildness = dice.bell(25, VIEWERS)[:, None]
    opinion = 285 + quality + mildness + 90 * liked_genre + 90 * liked_topic
    opinion += 45 * (liked_era & liked) - 130 * hated + dice.bell(35, VIEWERS, n)
    halves = np.clip((opinion + 25) // 50, 2, 10)

    # Fame by lot, the first film four times the last; taste multiplies the chance to have seen a film.
    rank = np.argsort(dice.below(1 << 30, n), kind="stable")
    fame = 60_000 // (60 + rank)
    chance = fame * np.where(liked_genre, 5, 1) * np.where(liked_topic, 5, 1) * np.where(liked_era & liked, 2, 1)
    chance = chance // np.where(hated, 4, 1)
    counts = 30 + np.minimum(dice.below(31, VIEWERS), dice.below(31, VIEWERS))

    order = _draw_without_repeats(dice, chance, int(counts.max()))
    watched = np.arange(order.shape[1]) < counts[:, None]
    rows = np.arange(VIEWERS)[:, None]
    return {
        "tastes": tastes.astype(np.int8),
        "counts": counts.astype(np.uint8),
        "films": order[watched].astype(np.uint8),
        "halves": halves[rows, order][watched].astype(np.uint8),
        "first_day": dice.below(2_500, VIEWERS).astype(np.uint16),
        "gap": (2 + dice.below(8, VIEWERS)).astype(np.uint8),
    }


def _draw_without_repeats(dice: _Dice, chance: Array, draws: int) -> Array:
    """(rows, draws): columns drawn one after the other with probability proportional to what is left."""
    left = chance.copy()
    rows = np.arange(len(left))
    order = np.empty((len(left), draws), dtype=np.int64)
    for i in range(draws):
        upto = np.cumsum(left, axis=1)
        mark = dice.below(upto[:, -1], len(left))
        order[:, i] = np.argmax(upto > mark[:, None], axis=1)
        left[rows, order[:, i]] = 0
    return order


def main() -> None:
    """Write viewings.npz beside this file."""
    path = FOLDER / "viewings.npz"
    beside = path.with_suffix(".part.npz")
    np.savez_compressed(beside, **simulate())  # type: ignore[arg-type]
    os.replace(beside, path)


if __name__ == "__main__":
    main()
