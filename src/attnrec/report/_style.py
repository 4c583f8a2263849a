"""The style sheet of a report: light and dark, on screens and on paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { --ink: #1d2433; --soft: #5b6477; --line: #dfe3ea; --page: #f6f7f9; --card: #ffffff; --more: #0072b2;
  --less: #d55e00; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9f0; --soft: #a2abbd; --line: #343b4a; --page: #14171d; --card: #1d222b; --more: #4aa8e0;
    --less: #f0883e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; overflow-wrap: anywhere; }
h3 { font-size: 1.1rem; margin: 0; overflow-wrap: anywhere; }
h4 { font-size: .8rem; color: var(--soft); margin: 1rem 0 .25rem; text-transform: uppercase; letter-spacing: .04em; }
p { margin: .4rem 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem;
  margin: 0 0 1rem; break-inside: avoid; }
.top { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; justify-content: space-between; }
.top h3 { flex: 1 1 14rem; }
.score { font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 600; }
.score .soft { font-weight: 400; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .85rem; vertical-align: bottom; }
th, td { padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
tbody tr:last-child td { border-bottom: 0; }
td { overflow-wrap: anywhere; }
td:not(.n) { min-width: 7rem; }
th.n:first-child { width: 2rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; padding: 0; list-style: none;
  font-size: .95rem; }
.facts li { overflow-wrap: anywhere; }
.facts .set { font-weight: 600; }
.chips { display: flex; flex-wrap: wrap; gap: .35rem; margin: .5rem 0 1.25rem; padding: 0; list-style: none;
  font-size: .9rem; }
.chips li { border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .65rem; overflow-wrap: anywhere; }
.bars { display: grid; grid-template-columns: minmax(0, 15rem) minmax(0, 1fr) max-content; column-gap: .75rem;
  margin: .5rem 0; padding: 0; list-style: none; font-size: .85rem; line-height: 1.25; }
.bars li { display: contents; }
.bars .label { align-self: center; padding: .15rem 0; }
.bars .label span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; line-clamp: 2;
  overflow: hidden; overflow-wrap: anywhere; text-align: right; }
.bars .track { position: relative; min-height: 1.5rem; }
.bars .number { align-self: center; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
@media (max-width: 36rem) {
  main { padding: 1.25rem .75rem 3rem; }
  .card { padding: .75rem .85rem; }
  th, td { padding-right: .7rem; }
  th.n { white-space: normal; }
  .bars { grid-template-columns: minmax(0, 1fr) max-content; }
  .bars .label { grid-column: 1 / -1; padding-top: .4rem; }
  .bars .label span { text-align: left; }
}
svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
svg rect { transform: translateY(-7.5px); }
svg .more { fill: var(--more); }
svg .less { fill: var(--less); }
svg .pale { opacity: .5; }
svg .zero { stroke: var(--soft); stroke-width: 1; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
footer { color: var(--soft); font-size: .85rem; margin-top: 2.5rem; }
@media print { body { background: none; } main { padding: 0; max-width: none; } }
"""
