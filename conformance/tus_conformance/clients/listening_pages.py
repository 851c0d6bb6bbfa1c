"""The pages of the listening server: all situations, and what to do in one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from tus_scenarios.situation import OUTCOME_SENTENCES, Situation

_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #ddd; padding: .2rem .5rem; text-align: left }
code, textarea { font: 13px ui-monospace, monospace }
.fail { color: #b00020 } .warn { color: #8a5a00 } .pass, .note { color: #1b6e2e }"""

_REFRESH = """\
setInterval(async () => {
  const found = await (await fetch('/results.json')).json();
  for (const row of document.querySelectorAll('tr[data-id]')) {
    const result = found[row.dataset.id] || {};
    row.cells[2].textContent = result.outcome || '';
    row.cells[2].className = result.verdict || '';
    row.cells[3].textContent = result.requests ?? '';
  }
}, 2000);"""

_SAY = """\
document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = document.querySelector('textarea').value;
  const answer = await fetch('said', { method: 'POST', body: text });
  document.querySelector('output').textContent = await answer.text();
});"""


def index_page(situations: Sequence[Situation], results: Mapping[str, Mapping[str, object]]) -> str:
    """Return the page that lists every situation with its latest result."""
    rows = "".join(_row(each, results.get(each.id, {})) for each in situations)
    outcomes = "".join(
        f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in OUTCOME_SENTENCES.items()
    )
    return _page(
        "Situations for tus clients",
        "<p>Upload the file of a situation to its endpoint with your client, and then say what"
        " the client said: <code>POST /s/SITUATION/said</code> with <code>done URL</code> or"
        " <code>error TEXT</code>. The result follows at once; end the program with Ctrl-C for"
        f" the whole report.</p><table><tr><th>Situation</th><th></th><th>Outcome</th>"
        f"<th>Requests</th></tr>{rows}</table><h2>Outcomes</h2><dl>{outcomes}</dl>"
        f"<script>{_REFRESH}</script>",
    )


def _row(situation: Situation, result: Mapping[str, object]) -> str:
    place = f"/s/{quote(situation.id, safe='/,')}/"
    verdict = escape(str(result.get("verdict", "")))
    return (
        f'<tr data-id="{escape(situation.id)}"><td><a href="{place}">{escape(situation.id)}</a>'
        f'</td><td>{escape(situation.title)}</td><td class="{verdict}">'
        f"{escape(str(result.get('outcome', '')))}</td><td>{result.get('requests', '')}</td></tr>"
    )


def situation_page(situation: Situation, endpoint: str, prior: str) -> str:
    """Return the page of one situation; `prior` is the upload to go on with, or ""."""
    facts = [
        ("endpoint", f"<code>{escape(endpoint)}</code>"),
        ("file", f'<a href="file.bin" download>file.bin</a>, {situation.size} bytes'),
    ]
    if prior:
        facts.append(("upload to go on with", f"<code>{escape(prior)}</code>"))
    if situation.options:
        facts.append(("options", f"<code>{escape(' '.join(situation.options))}</code>"))
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    sentences = "".join(f"<li>{escape(text)}</li>" for text in situation.prose)
    return _page(
        situation.title,
        f'<p><a href="/">All situations</a></p><dl>{shown}</dl><ul>{sentences}</ul>'
        "<form><p><textarea rows=2 cols=80>done URL</textarea></p>"
        f"<p><button>Say</button></p></form><output></output><script>{_SAY}</script>",
    )


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )
