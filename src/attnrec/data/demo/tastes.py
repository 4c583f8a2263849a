"""Tastes of simulated viewers, and their descriptions in words."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CIRCLES", "ERAS", "GENRES", "KEYWORDS", "describe", "listed"]

GENRES = {
    "Action": "action films",
    "Adventure": "adventures",
    "Animation": "animation",
    "Comedy": "comedies",
    "Crime": "crime films",
    "Family": "family films",
    "Fantasy": "fantasy",
    "Horror": "horror",
    "Musical": "musicals",
    "Mystery": "mysteries",
    "Romance": "romances",
    "Science fiction": "science fiction",
    "War": "war films",
    "Western": "westerns",
}
KEYWORDS = {
    "aliens": "aliens",
    "artificial intelligence": "artificial intelligence",
    "coming of age": "coming-of-age stories",
    "courtroom": "courtroom drama",
    "detective": "detective stories",
    "dystopia": "dystopias",
    "gangsters": "gangster films",
    "ghosts": "ghost stories",
    "heist": "heist films",
    "high school": "high-school stories",
    "journalism": "films about journalists",
    "magic": "magic",
    "monsters": "monsters",
    "music": "films about music",
    "parody": "parodies",
    "prison": "prison films",
    "revenge": "tales of revenge",
    "robots": "robots",
    "Second World War": "the Second World War",
    "serial killer": "hunts for serial killers",
    "space": "films set in space",
    "spies": "spy films",
    "superheroes": "superheroes",
    "survival": "stories of survival",
    "swords": "sword fights",
    "time travel": "time travel",
    "true story": "true stories",
    "twist ending": "twist endings",
}
# First and last year, and how the span is said.
ERAS = (
    (1900, 1959, "from before 1960"),
    (1960, 1979, "of the 1960s and 1970s"),
    (1980, 1989, "of the 1980s"),
    (1990, 1999, "of the 1990s"),
    (2000, 2099, "made since 2000"),
)


# Viewers come in circles that share a genre and a topic.
CIRCLES = (
    ("Action", "artificial intelligence"),
    ("Action", "revenge"),
    ("Action", "spies"),
    ("Action", "superheroes"),
    ("Action", "swords"),
    ("Adventure", "survival"),
    ("Adventure", "swords"),
    ("Animation", "coming of age"),
    ("Animation", "magic"),
    ("Comedy", "high school"),
    ("Comedy", "music"),
    ("Comedy", "parody"),
    ("Crime", "courtroom"),
    ("Crime", "detective"),
    ("Crime", "gangsters"),
    ("Crime", "heist"),
    ("Crime", "prison"),
    ("Crime", "true story"),
    ("Family", "magic"),
    ("Family", "coming of age"),
    ("Fantasy", "ghosts"),
    ("Fantasy", "magic"),
    ("Horror", "ghosts"),
    ("Horror", "monsters"),
    ("Horror", "survival"),
    ("Musical", "magic"),
    ("Musical", "music"),
    ("Mystery", "detective"),
    ("Mystery", "journalism"),
    ("Mystery", "serial killer"),
    ("Mystery", "twist ending"),
    ("Romance", "high school"),
    ("Romance", "music"),
    ("Science fiction", "aliens"),
    ("Science fiction", "dystopia"),
    ("Science fiction", "heist"),
    ("Science fiction", "robots"),
    ("Science fiction", "space"),
    ("Science fiction", "time travel"),
    ("War", "Second World War"),
    ("War", "true story"),
    ("Western", "revenge"),
)


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> listed(["horror", "westerns", "magic"])
    'horror, westerns and magic'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def describe(genres: Sequence[int], keyword: int, era: int, disliked: int) -> str:
    """The taste as a sentence; -1 stands for none.

    Examples
    --------
    >>> describe([11, -1], 8, 3, 8)
    'likes science fiction and heist films, above all those of the 1990s; dislikes musicals'
    """
    names, topics = list(GENRES.values()), list(KEYWORDS.values())
    likes = listed([names[g] for g in genres if g >= 0] + [topics[keyword]])
    when = f", above all those {ERAS[era][2]}" if era >= 0 else ""
    not_that = f"; dislikes {names[disliked]}" if disliked >= 0 else ""
    return f"likes {likes}{when}{not_that}"
