"""`clients.listening_pages`: all situations, and what to do in one of them."""

from __future__ import annotations

from seen_client import make_situation

from tus_conformance.clients.listening_pages import index_page, situation_page
from tus_scenarios.situation_registry import situations


def test_the_index_links_every_situation_and_shows_results() -> None:
    result = {"outcome": "lied", "verdict": "fail", "requests": 3}
    page = index_page(situations(), {"plain": result})
    assert page.count("<tr data-id=") == len(situations())
    assert '<a href="/s/cut.patch/rst,part/">' in page
    assert '<td class="fail">lied</td><td>3</td>' in page


def test_a_page_says_what_to_do_and_escapes_what_it_shows() -> None:
    situation = make_situation(options='["--meta", "a=<b>"]', size="7")
    page = situation_page(situation, "http://h/s/tried/files/", "http://h/s/tried/files/u")
    assert "<code>http://h/s/tried/files/</code>" in page
    assert "<code>http://h/s/tried/files/u</code>" in page
    assert "--meta a=&lt;b&gt;" in page
    assert "<b>" not in page
    assert "7 bytes" in page
    assert "upload to go on with" not in situation_page(situation, "http://h/", "")
