"""What the readers can, on the command line: every argument has an option, and messages name options."""

from __future__ import annotations

import ast
import gzip
import inspect
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli_runs
from attnrec import data
from attnrec.cli import _options, _source, _words
from attnrec.data import Interactions, read_items
from cli_runs import DRINKS, RATINGS, fails, run, small, told

folder = cli_runs.folder
PACKAGE = Path(data.__file__).parent
BODY = RATINGS.partition("\n")[2]


def recommended(*arguments: object) -> list[str]:
    return [one["title"] for one in told("recommend", *arguments)["recommendations"]]


# Options.


@pytest.mark.parametrize(
    ("reader", "made", "rest"),
    [
        # Bars are drawn on terminals alone.
        (Interactions.from_csv, _source.Reading, {"path", "show_progress"}),
        (read_items, _source.Titles, {"path"}),
    ],
)
def test_every_argument_of_a_reader_has_an_option(reader: Any, made: Any, rest: set[str]) -> None:
    """Each option reaches its argument, and all arguments are reached."""
    arguments = set(inspect.signature(reader).parameters) - rest
    values = {
        "header": True, "no_timestamps": True, "implicit": True, "drop_bad": True, "rating_range": (1.0, 5.0),
        "out_of_range": "drop", "items_header": True,
    }  # fmt: skip
    reached = set()
    for name in made.__dataclass_fields__:
        if name in ("temperature", "model", "items_path"):
            continue
        extra = {"rating_range": (1.0, 5.0)} if name == "out_of_range" else {}
        reached |= set(made(**{name: values.get(name, "some"), **extra}).arguments())
    assert reached == arguments
    assert made().arguments() == {}


def options_of(command: click.Command) -> set[str]:
    return {one for each in command.params for one in (*each.opts, *each.secondary_opts) if one.startswith("--")}


@pytest.mark.parametrize("name", ["fit", "recommend", "explain", "similar", "report", "evaluate"])
def test_every_command_that_reads_has_them(name: str) -> None:
    """The options of ratings, and where there are titles those of items; every option that messages name is one."""
    from attnrec.cli._group import main

    command = main.get_command(click.Context(main), name)
    assert command is not None
    there = options_of(command)
    named = [_words.RATINGS, *([] if name == "evaluate" else [_words.ITEMS])]
    wanted = {option for table in named for said in table.values() for option in re.findall(r"--[\w-]+", said)}
    assert wanted <= there
    assert {one.name for one in command.params} >= {*_source.Reading.__dataclass_fields__} - {"model"}
    if name == "evaluate":
        assert set(_words.SPLITS.values()) <= there
    shown = run(name, "--help").stdout
    assert all(option in shown for option in wanted)
    assert "source" in inspect.signature(command.callback or _options.source).parameters


# Files that need them.


def test_movielens_in_its_own_forms(tmp_path: Path) -> None:
    """``ratings.dat`` and ``movies.dat`` of MovieLens 1M, ``u.data`` and ``u.item`` of 100K."""
    films = ["Toy Story (1995)", "Miserables, Les (1995)", "Léon (1994)", "Shall We Dance? (1996)", "I Q (1994)"]
    rows = [(u, i, 1 + (u * i) % 5, 978300000 + u) for u, i in itertools.product(range(1, 7), range(1, 6)) if u != i]
    (tmp_path / "ratings.dat").write_text("".join("::".join(map(str, row)) + "\n" for row in rows))
    (tmp_path / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    dat = "".join(f"{k}::{film}::Comedy|Drama\n" for k, film in enumerate(films, 1))
    (tmp_path / "movies.dat").write_bytes(dat.encode("latin-1"))
    item = "".join(f"{k}|{film}|01-Jan-1995||http://us.imdb.com/{k}|0|1\n" for k, film in enumerate(films, 1))
    (tmp_path / "u.item").write_bytes(item.encode("latin-1"))
    how = ["--id-column", 0, "--title-column", 1, "--items-no-header", "--items-encoding", "latin-1"]
    want = recommended(tmp_path / "ratings.dat", "--items", tmp_path / "movies.dat", *how, "--user", 3)
    assert want == ["Léon (1994)"]
    for ratings, items in itertools.product(("ratings.dat", "u.data"), ("movies.dat", "u.item")):
        got = recommended(tmp_path / ratings, "--items", tmp_path / items, *how, "--user", 3)
        assert got == want
    names = ["--items-columns", "film,title,kinds", "--id-column", "film", "--items-encoding", "latin-1"]
    assert recommended(tmp_path / "u.data", "--items", tmp_path / "movies.dat", *names, "--user", 3) == want
    model = tmp_path / "model.safetensors"
    told("fit", tmp_path / "u.data", "--items", tmp_path / "u.item", *how, "-o", model)
    assert recommended(model, "--user", 3) == want
    assert recommended(model, "--items", tmp_path / "movies.dat", *how, "--user", 3) == want
    # without the options, messages say which
    refused = fails("recommend", tmp_path / "u.data", "--items", tmp_path / "u.item", "--user", 3)
    assert re.search("give --items-encoding|--items-no-header", refused)
    refused = fails("recommend", tmp_path / "u.data", "--items", tmp_path / "u.item", *how[:5], "--user", 3)
    assert "give --items-encoding if the file is in another, such as --items-encoding 'latin-1'" in refused


FORMS: dict[str, tuple[str, bytes, list[object]]] = {
    "as it is": ("ratings.csv", RATINGS.encode(), []),
    "positions": ("r.csv", RATINGS.encode(), ["--user-column", 0, "--item-column", 1, "--rating-column", 2]),
    "no header": ("r.csv", BODY.encode(), ["--no-header"]),
    "columns": ("r.csv", BODY.encode(), ["--columns", "who,what,rating,when", "--user-column", "who",
                                         "--item-column", "what"]),
    "columns of common names": ("r.csv", BODY.encode(), ["--columns", "user, item, rating, time"]),
    "UTF-16": ("r.csv", RATINGS.encode("utf-16"), ["--encoding", "utf-16"]),
    "tab": ("r.tsv", RATINGS.replace(",", "\t").encode(), ["--separator", "tab"]),
    "header said": ("r.csv", RATINGS.encode(), ["--header"]),
    "packed": ("r.csv", gzip.compress(RATINGS.encode()), []),
    "no timestamps": ("r.csv", RATINGS.replace("timestamp", "remark").replace(",100", ",late").encode(), []),
    "timestamps that are none": ("r.csv", RATINGS.replace(",100", ",late").encode(), ["--no-timestamps"]),
    "out of range": ("r.csv", (RATINGS + "ann,4,77,9\n").encode(),
                     ["--rating-range", 1, 5, "--out-of-range", "drop"]),
    "bad": ("r.csv", (RATINGS + "ann,,5,9\n").encode(), ["--drop-bad"]),
    "duplicates": ("r.csv", (RATINGS + "ann,5,5,999\n").encode(), ["--duplicates", "first"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_ratings_in_other_forms(folder: Path, name: str) -> None:
    want = recommended(*small(folder), "--user", "ann")
    file, text, options = FORMS[name]
    (folder / "other").mkdir()
    (folder / "other" / file).write_bytes(text)
    arguments = [folder / "other" / file, *options, "--items", folder / "drinks.csv"]
    assert recommended(*arguments, "--user", "ann") == want
    for command in (["similar", "--item", "Black"], ["explain", "--user", "ann", "--item", "Black"]):
        told(*command, *arguments)
    told("fit", *arguments, "-o", folder / "m.safetensors")
    told("report", *arguments, "--user", "ann", "-o", folder / "r.html")
    told("evaluate", *arguments[:-2])


def test_several_files_folders_and_patterns(folder: Path) -> None:
    want = recommended(*small(folder), "--user", "ann")
    lines = BODY.splitlines(keepends=True)
    head = RATINGS.partition("\n")[0] + "\n"
    for part in range(3):
        (folder / "parts" / f"month={part}").mkdir(parents=True)
        (folder / "parts" / f"month={part}" / "r.csv").write_text(head + "".join(lines[part::3]))
    files = sorted((folder / "parts").glob("*/r.csv"))
    for source in ([folder / "parts"], files, [folder / "parts" / "*" / "r.csv"]):
        assert recommended(*source, "--items", folder / "drinks.csv", "--user", "ann") == want
    head_of = {name: told("evaluate", *paths)["source"] for name, paths in (("one", files[:1]), ("all", files))}
    assert head_of == {"one": str(files[0]), "all": f"{files[0]} and 2 more"}
    told("fit", *files, "-o", folder / "m.safetensors")
    assert "is a model; give it alone" in fails("recommend", folder / "m.safetensors", files[0], "--user", "ann")
    assert "no-such-*.csv" in fails("recommend", folder / "no-such-*.csv", "--user", "ann")
    (folder / "items").mkdir()
    (folder / "items" / "1.csv").write_text(DRINKS)
    assert recommended(folder / "parts", "--items", folder / "items", "--user", "ann") == want
    held = told("evaluate", files[0], files[1], "--test", folder / "parts" / "month=2")
    assert held["split"] == "pair"


# Messages.

SAID: dict[str, tuple[str, list[object], str]] = {
    "one field": ("a b\nc d\n", [], "give --separator"),
    "first line": ("kai,soup\nlou,rice\n", ["--user-column", 0, "--item-column", 1],
                   "give --header if it names them, --no-header if it is data"),
    "no header": ("1,2,3,4,5\n2,3,4,5,6\n", [], "give --user-column, --item-column, --rating-column and "
                  "--timestamp-column as positions from 0"),
    "not a column": (RATINGS, ["--user-column", "nobody"], "--user-column 'nobody' is not a column"),
    "not a position": (RATINGS, ["--user-column", 7], "--user-column 7 is not a position in 0 .. 3"),
    "twice": ("user,item,rating,rating\na,b,1,2\n", [], "as a position, such as --rating-column 3"),
    "may be": ("user,item,my rating\na,b,1\n", [], "give --rating-column 'my rating', or --implicit"),
    "no user": ("a,b,c\nx,y,z\n", ["--header"], "give --user-column"),
    "missing": ("user,item,rating\na,,1\n", [], "or give --drop-bad"),
    "time": ("user,item,rating,time\na,b,1,noon\n", [], "--no-timestamps"),
    "range": (RATINGS, ["--rating-range", 2, 5], "or give --out-of-range 'drop'"),
    "range upside down": (RATINGS, ["--rating-range", 5, 1], "--rating-range 5 1: the lowest must be below"),
    "range of nothing": (RATINGS, ["--out-of-range", "drop"], "--out-of-range needs --rating-range"),
    "repeated": (RATINGS + "ann,1,4,9\n", ["--duplicates", "error"], "or give --duplicates 'last', 'first'"),
    "separator": (RATINGS, ["--separator", "ab"], "--separator 'ab' is not one ASCII character"),
    "encoding": (RATINGS, ["--encoding", "klingon"], "--encoding 'klingon' is not a text encoding"),
    "names and header": (RATINGS, ["--columns", "a,b,c,d", "--header"], "leave out --header"),
    "names again": (RATINGS, ["--columns", "userId,movieId,rating,timestamp"], "give --header"),
    "two about time": (RATINGS, ["--no-timestamps", "--timestamp-column", "timestamp"], "leave one out"),
    "two about ratings": (RATINGS, ["--implicit", "--rating-column", "rating"], "leave one out"),
    "comma": ("user;item;rating\na;b;3,5\n", [], "it has a decimal comma: write a point"),
}  # fmt: skip
PYTHON = re.compile(r"(?<![\w/'\"])[a-z_]+=|from_[a-z]+|read_[a-z]+\(|pandas|polars|pyarrow\.|numpy|\bpass [a-z_]+=")


@pytest.mark.parametrize("name", SAID)
def test_messages_name_options(folder: Path, name: str) -> None:
    text, options, words = SAID[name]
    (folder / "ratings.csv").write_text(text)
    said = fails("recommend", folder / "ratings.csv", *options, "--user", "ann")
    assert words in said
    assert not PYTHON.search(said.replace(str(folder), "")), said


def test_messages_about_items_name_their_options(folder: Path) -> None:
    def said(text: str, *options: object) -> str:
        (folder / "drinks.csv").write_text(text)
        return fails("recommend", *small(folder), *options, "--user", "ann")

    fix = "give --items-header if it names them, --items-no-header if it is data"
    assert fix in said("soup,hot\nrice,dry\n", "--id-column", 0)
    assert "--title-column 'name' is not a column" in said(DRINKS, "--title-column", "name")
    assert "--items-separator 'ab'" in said(DRINKS, "--items-separator", "ab")
    assert "--items-encoding 'klingon'" in said(DRINKS, "--items-encoding", "klingon")
    assert "leave out --items-header" in said(DRINKS, "--items-columns", "a,b,c", "--items-header")
    assert "give --items too" in fails("recommend", folder / "ratings.csv", "--items-no-header", "--user", "ann")


def test_messages_about_splits_name_options(folder: Path) -> None:
    ratings = folder / "ratings.csv"
    assert "--folds is 99" in fails("evaluate", ratings, "--split", "kfold", "--folds", 99)
    assert "--users is 99" in fails("evaluate", ratings, "--split", "users", "--users", 99)
    assert "--time is 'noon'" in fails("evaluate", ratings, "--split", "temporal", "--time", "noon")


def test_messages_of_estimators_say_how_to_write_parameters(folder: Path) -> None:
    spec = "KernelAttentionRecommender:memory_budget=1"
    fix = r"give --model KernelAttentionRecommender:memory_budget=\d+"
    for call in (["recommend", "--user", "ann"], ["evaluate"]):
        said = fails(call[0], folder / "ratings.csv", *call[1:], "--model", spec)
        found = re.search(fix, said)
        assert found is not None, said
        done = run(call[0], folder / "ratings.csv", *call[1:], *found[0].split()[1:])
        assert done.exit_code == 0, done.stderr


def test_warnings_of_estimators_name_what_there_is() -> None:
    from attnrec.models.kernel_implicit import recommender as kernel_recommender

    assert "fit(tune=...), or" in inspect.getsource(kernel_recommender)
    said = _words.in_note("pass a larger memory_budget, fit(tune=...), or n_blocks=8 to have it so")
    assert said == "pass a larger memory_budget, or n_blocks=8 to have it so"


PARQUET = ["--separator", "--encoding", "--columns", "--no-header"]


@pytest.mark.parametrize("option", PARQUET)
def test_options_of_text_with_parquet(folder: Path, option: str) -> None:
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    pq.write_table(pa.table({"user": ["a", "b"], "item": [1, 2], "rating": [1.0, 2.0]}), folder / "r.parquet")
    value = [] if option == "--no-header" else ["x"]
    said = fails("recommend", folder / "r.parquet", option, *value, "--user", "a")
    assert option in said
    assert "this is Parquet" in said


# Modules whose errors are about frames, arrays and ids that no command gives.
NOT_READ = {"arrays.py", "frames.py", "ids.py", "popularity.py", "recommender.py", "interactions.py"}
# What no command can say: it gives no text for header=.
UNSAID = ("is not True, False or a list of column names",)
PLACEHOLDERS = {"role": "user", "name": "header", "lead": "r.csv: ", "hits[-1]": "3", "at[-1]": "3"}


def raised() -> list[tuple[str, str]]:
    """Every text of the readers that may be part of an error, with something in the place of values."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name in NOT_READ or path.parent.name == "demo":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in docs or id(node) in inside:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [_said(part) for part in node.values]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = [node.value]
            else:
                continue
            found.append((f"{path.name}:{node.lineno}", "".join(parts)))
    return [(where, text) for where, text in found if " " in text.strip() and not text.startswith("\n")]


def _said(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    name = ast.unparse(part.value)
    value = PLACEHOLDERS.get(name, "3" if part.format_spec or name == "column" else "x")
    return f"'{value}'" if part.conversion == ord("r") else value


@pytest.mark.parametrize("table", [_words.RATINGS, _words.ITEMS], ids=["ratings", "items"])
def test_no_message_of_the_readers_speaks_python(table: dict[str, str]) -> None:
    said = raised()
    assert len(said) > 100
    assert any("pass missing='drop'" in text for _, text in said)
    if table is _words.ITEMS:  # whose columns have other roles, and no ratings
        said = [(w, re.sub(r"\buser=", "id=", text)) for w, text in said if not text.startswith("no header")]
        roles = r"\b(user|item|rating|timestamp|missing|duplicates|rating_range|out_of_range)="
        said = [(where, text) for where, text in said if not re.search(roles, text)]
    found = []
    for where, text in said:
        words = _words.in_options(text, table)
        if PYTHON.search(words.replace("the folder header=", "")) and not any(part in words for part in UNSAID):
            found.append(f"{where}: {words}")
    assert not found, "\n".join(found)


NAMES = st.text(st.sampled_from("abz_ '\"=é$"), min_size=1, max_size=8)


@given(NAMES)
def test_values_are_as_a_shell_takes_them(name: str) -> None:
    message = f"f.csv: user={name!r} is not a column; pass user={name!r}, or rating=False"
    said = _words.in_options(message, _words.RATINGS)
    assert shlex.split(said.partition("give ")[2].rpartition(", or")[0]) == ["--user-column", name]


def test_what_only_looks_like_an_argument_is_left() -> None:
    for text in (
        "parts/user=5/part.csv:3: no item",
        "user=5/part.csv:3: no item",
        "p.csv: the folder user=5 is not a number; pass another column",
        "r.csv:2: 'user=5' is not a number",
        "r.csv: columns are user, item=x/y",
    ):
        assert _words.in_options(text, _words.RATINGS) == text
