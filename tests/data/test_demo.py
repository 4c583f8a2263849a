"""The bundled set: equal to its own simulation, small, complete, and ratings follow the stated tastes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from attnrec.data import load_demo
from attnrec.data.demo import Demo
from attnrec.data.demo.simulate import FOLDER, read_films, simulate
from attnrec.data.demo.tastes import CIRCLES, ERAS, GENRES, KEYWORDS, describe, listed


@pytest.fixture(scope="module")
def demo() -> Demo:
    return load_demo()


@pytest.fixture(scope="module")
def simulated() -> dict[str, Any]:
    return simulate()


def test_shipped_file_is_what_the_simulation_makes(simulated: dict[str, Any]) -> None:
    with np.load(FOLDER / "viewings.npz", allow_pickle=False) as shipped:
        assert sorted(shipped.files) == sorted(simulated)
        for name in shipped.files:
            assert shipped[name].dtype == simulated[name].dtype, name
            np.testing.assert_array_equal(shipped[name], simulated[name], err_msg=name)


def test_it_is_small_and_says_that_it_is_simulated() -> None:
    size = sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file())
    assert size < 400_000
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "simulated" in readme
    assert f"{len(read_films())} well-known films" in readme
    assert f"one of {len(CIRCLES)} circles" in readme
    assert "SIMULATED" in str(load_demo.__doc__)


def test_films_are_complete_and_unique() -> None:
    films = read_films()
    assert [int(film["film"]) for film in films] == list(range(1, len(films) + 1))
    assert len({film["title"] for film in films}) == len(films)
    order = [(int(film["year"]), film["title"]) for film in films]
    assert order == sorted(order)
    assert all(1900 <= year <= 2020 for year, _ in order)
    genres = Counter(genre for film in films for genre in film["genres"].split("|"))
    assert set(GENRES) <= set(genres)
    assert set(genres) - set(GENRES) == {"Drama", "Thriller"}
    assert min(genres.values()) >= 10
    keywords = Counter(word for film in films for word in film["keywords"].split("|"))
    assert min(keywords[word] for word in KEYWORDS) >= 7
    assert all(film["keywords"].strip() == film["keywords"] != "" for film in films)


def test_tastes_are_all_used() -> None:
    assert {genre for genre, _ in CIRCLES} == set(GENRES)
    assert {word for _, word in CIRCLES} == set(KEYWORDS)
    assert [start for start, _, _ in ERAS[1:]] == [end + 1 for _, end, _ in ERAS[:-1]]


def test_what_is_loaded(demo: Demo) -> None:
    data = demo.interactions
    assert data.user_items.shape == (2000, len(demo.items)) == (len(demo.viewers), len(read_films()))
    assert data.explicit
    assert data.rating_range == (1, 5)
    counts = np.diff(data.user_items.indptr)
    assert counts.min() >= 30
    assert counts.max() <= 60
    assert set(np.unique(data.user_items.data)) <= set(np.arange(1, 5.5, 0.5))
    assert data.report.clean
    assert data.timestamps is not None
    assert data.timestamps.min() >= np.datetime64("2015-01-01", "s").astype(int)
    assert len(np.unique(data.timestamps[: counts[0]])) == counts[0]
    assert demo.items.row(data.items[0])["year"] == 1927


def test_fame_is_skewed(demo: Demo) -> None:
    seen = np.sort(np.bincount(demo.interactions.user_items.indices))[::-1]
    assert seen[0] > 2 * np.median(seen)
    assert seen[0] > 5 * seen[-1]


def test_ratings_follow_tastes(demo: Demo, simulated: dict[str, Any]) -> None:
    """Liked genre above the rest above disliked genre, for nearly every viewer, and by about as much as simulated."""
    films = read_films()
    has = np.array([[genre in film["genres"].split("|") for film in films] for genre in GENRES])
    dense = demo.interactions.user_items.toarray()
    gaps_liked, gaps_disliked = [], []
    for taste, row in zip(simulated["tastes"].tolist(), dense, strict=True):
        seen = row > 0
        liked, disliked = has[taste[0]], has[taste[4]] if taste[4] >= 0 else np.zeros(len(films), bool)
        rest = seen & ~liked & ~disliked
        gaps_liked.append(row[seen & liked & ~disliked].mean() - row[rest].mean())
        if (seen & disliked & ~liked).sum() >= 2:
            gaps_disliked.append(row[rest].mean() - row[seen & disliked & ~liked].mean())
    assert np.mean(np.array(gaps_liked) > 0) > 0.9
    assert 0.5 < np.mean(gaps_liked) < 1.5
    assert np.mean(np.array(gaps_disliked) > 0) > 0.95
    assert 1.0 < np.mean(gaps_disliked) < 2.0


def test_words() -> None:
    assert listed(["horror"]) == "horror"
    assert describe([2, 7], 0, -1, -1) == "likes animation, horror and aliens"
    assert describe([13, -1], 16, 1, 6) == (
        "likes westerns and tales of revenge, above all those of the 1960s and 1970s; dislikes fantasy"
    )
