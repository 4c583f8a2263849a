"""The command line: every command on small and real files, in text and in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cli_runs
from attnrec.cli import main
from attnrec.data import load_demo
from cli_runs import fails, rows_of, run, small, spawn, told

folder = cli_runs.folder


def test_recommend_shows_titles_and_reasons(folder: Path) -> None:
    result = run("recommend", *small(folder), "--user", "ann")
    assert result.exit_code == 0, result.stderr
    assert "For user ann" in result.stdout
    assert "Black Tea" in result.stdout
    assert "[red]Milk[/red]" in result.stdout  # a title is text, not markup
    best = told("recommend", *small(folder), "--user", "ann", "-k", 1)["recommendations"]
    assert [(one["rank"], one["item"], one["title"]) for one in best] == [(1, 3, "Black Tea")]
    assert {reason["item"] for reason in best[0]["because"]} == {1, 2, 5}
    assert 0 < best[0]["weight"] < 1 + 1e-5  # a sum of float32 shares


def test_recommend_never_names_what_the_user_has(folder: Path) -> None:
    for user, history in {"ann": {1, 2, 5}, "bob": {1, 2, 3, 5}, "dora": {1, 4, 5}}.items():
        for extra in ([], ["--implicit"]):
            got = told("recommend", *small(folder), "--user", user, *extra)["recommendations"]
            assert {one["item"] for one in got} == {1, 2, 3, 4, 5} - history


@pytest.mark.parametrize("name", ["KernelAttentionRegressor", "KernelAttentionRecommender", "SoftmaxRecommender"])
def test_any_estimator_by_name(folder: Path, name: str) -> None:
    saved = folder / f"{name}.safetensors"
    assert told("fit", *small(folder), "-m", name, "-o", saved)["model"] == name
    want = told("recommend", saved, "--user", "ann")["recommendations"]
    got = told("recommend", *small(folder), "--user", "ann", "-m", name)["recommendations"]
    assert got == want
    assert {one["item"] for one in got} == {3, 4}
    assert told("explain", *small(folder), "--user", "ann", "--item", 3, "--model", name)
    assert told("similar", *small(folder), "--item", 3, "--model", name)
    assert "no parameter 'warmth'" in fails("recommend", *small(folder), "--user", "ann", "-m", f"{name}:warmth=1")
    assert "none of Kernel" in fails("recommend", *small(folder), "--user", "ann", "-m", "Nobody")
    assert "is a model" in fails("recommend", saved, "--user", "ann", "-m", name)
    assert "--temperature is for" in fails("fit", *small(folder), "-m", name, "--temperature", 1, "-o", saved)


def test_scores_that_are_no_shares_are_shown_as_numbers(folder: Path) -> None:
    line = ["recommend", *small(folder), "--implicit", "--user", "ann"]
    shares, numbers = run(*line), run(*line, "--model", "SoftmaxRecommender:epochs=2,factors=8")
    assert "score" not in shares.stdout
    assert "score" in numbers.stdout
    assert "%" in shares.stdout
    assert "Ranked by predicted rating" not in numbers.stdout


def test_nothing_left_is_said(folder: Path) -> None:
    (folder / "all.csv").write_text("user,item\nann,1\nann,2\nbob,1\n")
    result = run("recommend", folder / "all.csv", "--user", "ann")
    assert (result.exit_code, result.stdout) == (0, "Nothing is left to recommend: user ann has every item.\n")
    assert told("recommend", folder / "all.csv", "--user", "ann")["recommendations"] == []


def test_columns_and_separator_can_be_given(folder: Path) -> None:
    (folder / "odd.txt").write_text("who;what;stars\nann;1;5\nann;2;4\nbob;1;5\nbob;3;4\n")
    columns = ["--user-column", "who", "--item-column", "what", "--rating-column", "stars", "--separator", ";"]
    got = told("recommend", folder / "odd.txt", "--user", "ann", *columns)
    assert got["explicit"]
    assert [one["item"] for one in got["recommendations"]] == [3]
    (folder / "names.csv").write_text("key,label\n3,Third\n")
    named = ["--items", folder / "names.csv", "--id-column", "key", "--title-column", "label"]
    got = told("recommend", folder / "odd.txt", "--user", "ann", *columns, *named)
    assert [one["title"] for one in got["recommendations"]] == ["Third"]
    assert "give --user-column" in fails("recommend", folder / "odd.txt", "--user", "ann")
    assert "--user-column 'nobody'" in fails("recommend", *small(folder), "--user-column", "nobody", "--user", "x")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_all_users_to_a_file(folder: Path, suffix: str) -> None:
    path = folder / f"out{suffix}"
    answer = told("recommend", *small(folder), "--all-users", "-k", 2, "-o", path)
    if suffix == ".csv":
        rows: list[dict[str, Any]] = list(rows_of(path))
    elif suffix == ".parquet":
        rows = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == answer["rows"] == 7
    assert answer["users"] == 4
    assert list(rows[0]) == ["user", "item", "title", "score", "weight", "rank"]
    mine = [(int(row["item"]), row["title"]) for row in rows if row["user"] == "ann"]
    one = told("recommend", *small(folder), "--user", "ann", "-k", 2)["recommendations"]
    assert mine == [(each["item"], each["title"]) for each in one]
    assert {path.name for path in folder.iterdir()} == {"ratings.csv", "drinks.csv", path.name}  # no leftovers


def test_explain_adds_up_and_speaks(folder: Path) -> None:
    answer = told("explain", *small(folder), "--user", "ann", "--item", "black")
    parts = sum(one["contribution"] for one in answer["history"])
    assert answer["bias"] + parts + answer["history_rest"] + answer["history_background"] == pytest.approx(
        answer["score"]
    )
    others = sum(one["contribution"] for one in answer["neighbours"]) + answer["neighbours_rest"]
    assert answer["bias"] + others == pytest.approx(answer["score"])
    text = run("explain", *small(folder), "--user", "ann", "--item", 3).stdout
    assert text.startswith("Black Tea scores ")
    assert "user bob" in text
    assert "Dark Rum (1950)" in text


def test_item_by_id_title_and_part(folder: Path) -> None:
    for wanted in ("2", "Dark Rum (1950)", "dark rum", "RUM"):
        assert told("similar", *small(folder), "--item", wanted)["item"] == 2
    message = fails("similar", *small(folder), "--item", "tea")
    assert "Green Tea (1900) (id 1)" in message
    assert "Black Tea (id 3)" in message
    assert "no item has the id 'coffee'" in fails("similar", *small(folder), "--item", "coffee")


def test_similar_leaves_out_the_item_itself(folder: Path) -> None:
    found = told("similar", *small(folder), "--item", 1, "-k", 3)["similar"]
    assert len(found) == 3
    assert 1 not in {one["item"] for one in found}
    cosines = [one["cosine"] for one in found]
    assert cosines == sorted(cosines, reverse=True)
    assert "Like Green Tea" in run("similar", *small(folder), "--item", 1).stdout


@pytest.mark.parametrize("extra", [[], ["--implicit"]])
def test_a_saved_model_gives_the_same(folder: Path, extra: list[str]) -> None:
    path = folder / "model.safetensors"
    answer = told("fit", *small(folder), "-o", path, *extra)
    assert (answer["users"], answer["items"], answer["bytes"]) == (4, 5, path.stat().st_size)
    fresh = told("recommend", *small(folder), "--user", "cleo", *extra)
    saved = told("recommend", path, "--user", "cleo")
    assert saved["recommendations"] == fresh["recommendations"]
    assert saved["explicit"] == fresh["explicit"] == (not extra)
    before = path.read_bytes()
    told("fit", *small(folder), "-o", path, *extra)
    assert path.read_bytes() == before
    renamed = folder / "other.csv"
    renamed.write_text("id,title\n2,Grog\n")
    assert "Grog" in run("recommend", path, "--items", renamed, "--user", "cleo").stdout


def test_a_model_saved_without_ids_has_numbers(folder: Path) -> None:
    from scipy.sparse import csr_array

    from attnrec.models import NeighbourAttention

    path = folder / "plain.safetensors"
    for values, explicit in (([[1, 1, 0], [0, 1, 1]], False), ([[1, 5, 0], [0, 4, 2]], True)):
        NeighbourAttention().fit(csr_array(values), show_progress=False).save(path)
        answer = told("recommend", path, "--user", 0)
        assert [one["item"] for one in answer["recommendations"]] == [2]
        assert answer["explicit"] == explicit


def test_demo_reads_well_and_hides_what_was_seen() -> None:
    demo = load_demo()
    for width in (80, 100):
        result = CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["demo"])
        assert result.exit_code == 0
        assert max(map(len, result.stdout.splitlines())) <= width
        flat = " ".join(result.stdout.split())
        assert f"Viewer 8 {demo.viewers[8]}." in flat
        assert "viewers are simulated" in flat
        assert "by its genres, keywords and year alone it has rank" in flat
        assert "attnrec recommend ratings.csv --items movies.csv --user 1 -k 10" in flat
    answer = told("demo", "--viewer", 30, "-k", 5)
    row = demo.interactions.user_items[29]
    assert not {one["item"] for one in answer["recommendations"]} & set((row.indices + 1).tolist())
    assert answer["favourites"][0]["rating"] == row.data.max()
    new = answer["newcomer"]
    assert (new["item"], new["state"]) == (answer["recommendations"][0]["item"], "warm")
    assert 1 <= new["rank"] <= new["of"] == 222 - len(row.indices)
    assert demo.items.title(new["item"]) in new["why"]
    assert "the bundled viewers are 1 to 2000" in fails("demo", "--viewer", 2001)


def test_demo_tells_a_command_that_can_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "attnrec"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path))
    said = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["demo"]).output
    assert f"{Path('bin', 'attnrec')} recommend ratings.csv" in said


def test_demo_saved_is_what_the_other_commands_read(tmp_path: Path) -> None:
    answer = told("demo", "--save", tmp_path / "set")
    assert list(answer["files"].values()) == [len(load_demo().interactions), 222, 2000]
    files = [tmp_path / "set" / "ratings.csv", "--items", tmp_path / "set" / "films.csv"]
    want = [one["item"] for one in told("demo", "-k", 5)["recommendations"]]
    assert [one["item"] for one in told("recommend", *files, "--user", 8, "-k", 5)["recommendations"]] == want


def test_help_of_every_command() -> None:
    listed = run("--help").stdout
    for name in ("demo", "fit", "recommend", "explain", "similar", "evaluate", "doctor"):
        assert name in listed
        result = run(name, "--help")
        assert result.exit_code == 0
        assert "--json" in result.stdout
    assert "version" in run("--version").stdout


def test_help_imports_little() -> None:
    code = "import sys, attnrec.cli._group as g\ntry: g.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('scipy', 'pyarrow', 'rich', 'tqdm', 'safetensors') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_real_ratings_of_user_1(shared_data: Path) -> None:
    place = shared_data / "ml-latest-small"
    if not (place / "ratings.csv").exists():
        pytest.skip(f"{place} is not there")
    rows = rows_of(place / "ratings.csv")
    titles = {int(row["movieId"]): row["title"] for row in rows_of(place / "movies.csv")}
    seen = {int(row["movieId"]) for row in rows if row["userId"] == "1"}
    started = time.perf_counter()
    with spawn("recommend", place / "ratings.csv", "--items", place / "movies.csv", "--user", 1, "--json") as process:
        out, err = process.communicate(timeout=60)
    assert time.perf_counter() - started < 5
    assert err == ""
    got = json.loads(out)["recommendations"]
    assert len(got) == 10
    for one in got:
        assert one["item"] not in seen
        assert one["title"] == titles[one["item"]]
        assert len(one["because"]) == 3
        assert all(reason["item"] in seen for reason in one["because"])
    text = run("recommend", place / "ratings.csv", "--items", place / "movies.csv", "--user", 1).stdout
    flat = " ".join(text.replace("\n", " ").split())
    assert all(one["title"].split(",")[0].split(" (")[0].split()[0] in flat for one in got)


def test_real_evaluation_beats_popularity(shared_data: Path) -> None:
    place = shared_data / "movielens-100k"
    if not (place / "ratings.csv").exists():
        pytest.skip(f"{place} is not there")
    ratings, zero_one, popularity = told("evaluate", place / "ratings.csv", "-k", 10)["models"]
    assert ratings["rmse"] < 0.95 < popularity["rmse"]
    assert zero_one["ndcg@10"] > 1.2 * popularity["ndcg@10"]
    found = told("similar", place / "ratings.csv", "--items", place / "items.csv", "--item", "empire strikes back")
    assert {"Star Wars", "Return of the Jedi"} & {one["title"] for one in found["similar"][:3]}
