"""The page of ``attnrec report`` in a browser: nothing runs, and nothing is cut or lies on something else."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cli_runs
from attnrec import models
from attnrec.report import Measured, html_report
from cli_runs import DRINKS, RATINGS, small, told
from estimators import made
from pages import TITLES, Page

folder = cli_runs.folder


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no browser: put chromium, chromium-browser or google-chrome on PATH to look at the page with it")
    return found


def seen(browser: str, folder: Path, page: Path, *options: str) -> str:
    sealed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    command = [browser, *sealed, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_browser_shows_it(browser: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("browser")
    (folder / "drinks.csv").write_text(DRINKS.replace("Black Tea", "<img src=x onerror=document.title='run'>"))
    (folder / "ratings.csv").write_text(RATINGS)
    out, picture = folder / "report.html", work / "report.png"
    told("report", *small(folder), "--user", "ann", "-o", out)
    shown = Page(seen(browser, work, out, "--dump-dom"))
    assert shown.all("img") == []
    assert "1. <img src=x onerror=document.title='run'>" in shown.text
    assert "Recommendations for user ann" in shown.text  # the title, which no script changed
    pictures = [each for each in shown.all("ul") if each["class"] == "bars"]
    assert len(pictures) == len(shown.all("article")) * 2
    seen(browser, work, out, f"--screenshot={picture}", "--window-size=1000,1400")
    image = pytest.importorskip("matplotlib.image").imread(picture)
    assert image.shape[:2] == (1400, 1000)
    blue = (image[..., 2] > 0.5) & (image[..., 0] < 0.2)  # bars
    assert blue.sum() > 2000


MEASURE = """
const doc = document.querySelector('iframe').contentDocument, found = [];
const box = e => e.getBoundingClientRect();
const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1;
const wrong = (what, e) => found.push(what + ': ' + e.outerHTML.slice(0, 120));
doc.querySelectorAll('details').forEach(e => { e.open = true; });
const width = doc.documentElement.clientWidth, page = {left: 0, right: width};
if (doc.documentElement.scrollWidth > width) wrong('the page scrolls sideways', doc.body);
let shortened = 0;
for (const row of doc.querySelectorAll('.bars li')) {
  const [label, track, number] = row.children, card = box(row.closest('.card')), text = label.firstChild;
  const range = doc.createRange();
  range.selectNodeContents(text);
  if (!within(box(range), box(text)) || !within(box(text), card)) wrong('the label leaves its box', row);
  if (box(text).height > 40) wrong('the label has more than two lines', row);
  if (text.scrollHeight > text.clientHeight + 1) {
    shortened += 1;
    const style = getComputedStyle(text);
    if (style.webkitLineClamp !== '2' || style.overflowX !== 'hidden') wrong('there is no ellipsis', row);
  }
  if (box(label).right > box(track).left + 1 && box(label).bottom > box(track).top + 1) wrong('label on bar', row);
  if (box(number).left < box(track).right || !within(box(number), card)) wrong('number on bar', row);
  if (!within(box(row.querySelector('rect')), box(track)) || box(track).width < 80) wrong('bar', row);
  if (label.title.length < 9) wrong('no full text', row);
}
for (const e of doc.querySelectorAll('h1, h2, h3, h4, p, li, .top *')) {
  if (e.getClientRects().length && !within(box(e), page)) wrong('leaves the page', e);
}
for (const e of doc.querySelectorAll('section > .card > .wide')) {
  if (e.scrollWidth > e.clientWidth && !e.closest('section').querySelector('.soft')) wrong('scrolls', e);
}
document.body.dataset.found = JSON.stringify({width: width, rows: doc.querySelectorAll('.bars li').length, shortened,
  found});
"""


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_no_label_leaves_its_box(browser: str, tmp_path: Path, width: int) -> None:
    model = models.KernelAttentionRegressor().fit(made("explicit"), show_progress=False)

    def name(item: int) -> str:
        return TITLES[item % len(TITLES)] + (f" #{item}" if item >= len(TITLES) else "")

    figures = {"ndcg@10": (0.25, 0.2, 0.3)}
    measured = Measured(
        "Held out.", [("KernelAttentionRegressor:item_kernel_weight=0.25", figures), ("popularity", figures)]
    )
    report = html_report(model, [0, 11, 5], N=3, names=name, user_names=name, measured=measured)
    report = re.sub("<meta http-equiv[^>]*>", "", report)  # it would not let the frame be measured
    frame = f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(report)}"></iframe>'
    page = tmp_path / "frame.html"
    script = f"<script>window.onload = () => {{ {MEASURE} }};</script>"
    page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{frame}{script}</body>', encoding="utf-8")
    shown = Page(seen(browser, tmp_path, page, "--virtual-time-budget=10000", "--dump-dom"))
    told_by = json.loads(shown.all("body")[0]["data-found"] or "")
    assert told_by["found"] == []
    assert told_by["width"] == width
    assert told_by["rows"] > 100
    assert told_by["shortened"] > 5
