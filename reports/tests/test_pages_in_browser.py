"""`html`: filters in the URL, folding, copying, the keyboard, accessibility in a browser.

They need Chromium (Debian's will do) and the `browser` extra, and are skipped without either.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tus_reports import (
    MatrixServer,
    Record,
    compare,
    compare_stability,
    comparison_html,
    html,
    matrix_html,
    stability_html,
)

playwright = pytest.importorskip("playwright.sync_api", reason="the extra `browser` is missing")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs `browser`")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for all tests."""
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Any, sample: Record, tmp_path: Path) -> Iterator[Open]:
    """Open a page of the sample from a file; an error in its script fails the test."""
    old = replace(sample, requirements=sample.requirements[2:], scenarios=sample.scenarios[1:])
    changed = msgspec.structs.replace(sample.scenarios[0], verdict="fail")
    runs = [sample, old, replace(sample, scenarios=(changed, *sample.scenarios[1:]))]
    servers = [MatrixServer("one", sample, "report.html"), MatrixServer("two", old)]
    (tmp_path / "report.html").write_text(html(sample), "utf-8")
    (tmp_path / "matrix.html").write_text(matrix_html(servers), "utf-8")
    many = [MatrixServer(f"server-number-{number}", sample) for number in range(14)]
    (tmp_path / "many.html").write_text(matrix_html(many), "utf-8")
    (tmp_path / "comparison.html").write_text(comparison_html(compare(old, sample)), "utf-8")
    (tmp_path / "stability.html").write_text(stability_html(compare_stability(runs), runs), "utf-8")
    contexts = []
    errors: list[str] = []

    def open_(name: str = "report", hash_: str = "", **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request", lambda asked: errors.append(asked.url) if _is_external(asked.url) else None
        )
        page.goto(f"file://{tmp_path / name}.html{hash_}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def _is_external(url: str) -> bool:
    return not url.startswith("file:")


def visible_ids(page: Any) -> list[str]:
    """Return the ids of the items that are not filtered out."""
    found = page.eval_on_selector_all(".item:not([hidden])", "all => all.map(one => one.id)")
    return [str(name) for name in found]


def test_a_filter_is_in_the_url_and_comes_back(open_page: Open, sample: Record) -> None:
    """Choosing a verdict shows its items only; the URL it makes shows the same on a new page."""
    page = open_page()
    assert len(visible_ids(page)) == len(sample.scenarios) + len(sample.requirements)
    page.check("input[name=verdict][value=warn]")
    warned = ["r:core.patch.keep-partial", "s:core.patch.cut/50%"]
    assert visible_ids(page) == warned
    assert page.url.endswith("#?verdict=warn")
    assert page.inner_text("output").startswith("2 of ")
    assert visible_ids(open_page(hash_="#?verdict=warn")) == warned
    page.click("button[type=reset]")
    page.wait_for_function("document.querySelectorAll('.item[hidden]').length === 0")


def test_words_and_extension_narrow_together(open_page: Open) -> None:
    """Search words and an extension must both match, and empty chapters go."""
    page = open_page(hash_="#?q=delete&extension=termination&verdict=excluded")
    assert visible_ids(page) == [
        "r:termination.delete-during-patch",
        "s:termination.delete-during-patch",
    ]
    chapters = page.locator("#scenarios .chapter:visible")
    assert chapters.count() == 1


def test_a_link_opens_what_it_leads_to(open_page: Open) -> None:
    """A link to a scenario opens it, also where a filter had hidden it."""
    page = open_page(hash_="#?verdict=pass")
    story = page.locator("[id='s:core.patch.cut/50%']")
    assert not story.is_visible()
    page.click("#findings a[href='#s:core.patch.cut/50%25'] >> nth=0")
    page.wait_for_function("document.getElementById('s:core.patch.cut/50%').open")
    assert story.is_visible()
    assert story.get_by_text("Upload-Offset: 0").first.is_visible()


def test_the_keyboard_suffices(open_page: Open) -> None:
    """The slash goes to the search, the skip link comes first, Enter opens a scenario."""
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("core.patch.cut")
    assert visible_ids(page) == ["r:core.patch.keep-partial", "s:core.patch.cut/50%"]
    page.focus("[id='s:core.patch.cut/50%'] > summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('s:core.patch.cut/50%').open")


def test_what_is_copied(open_page: Open, sample: Record) -> None:
    """The buttons put the command, and the finding as Markdown, on the clipboard."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    card = page.locator("#findings .card").nth(1)
    card.locator(".copy", has_text="reproduce").get_by_role("button").click()
    card.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == sample.scenarios[3].command
    card.get_by_role("button", name="Copy as issue").click()
    card.get_by_role("button", name="Copied").nth(0).wait_for()
    page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).includes('**actual: status 204**')"
    )


def test_without_javascript_everything_is_there(open_page: Open, sample: Record) -> None:
    """The script only adds: without it all items are shown and open by themselves."""
    page = open_page(java_script_enabled=False)
    assert page.locator(".item:visible").count() == len(sample.scenarios) + len(sample.requirements)
    assert not page.locator("form.filters").is_visible()
    story = page.locator("[id='s:core.patch.cut/50%']")
    story.locator("summary").first.click()
    assert story.get_by_text("Upload-Offset: 0").first.is_visible()


def test_the_matrix_shows_findings_and_differences(open_page: Open) -> None:
    """Focus shows what was found, a section folds, and rows that agree can be hidden."""
    page = open_page("matrix")
    cell = page.locator("a.cell", has=page.locator(".tip")).first
    assert not cell.locator(".tip").is_visible()
    cell.focus()
    assert cell.locator(".tip").is_visible()
    rows = page.locator("tbody tr:visible")
    before = rows.count()
    page.check("input[name=differs]")
    assert 0 < rows.count() < before
    block = page.locator("details.block").first
    block.locator("summary").click()
    assert not block.locator("table").is_visible()


def test_a_cell_of_the_matrix_leads_to_the_evidence(open_page: Open) -> None:
    """A click on a cell opens the server's own report at the requirement."""
    page = open_page("matrix")
    cell = page.locator("a.cell[href='report.html#r:core.patch.keep-partial']")
    cell.click()
    page.wait_for_url("**/report.html#r:core.patch.keep-partial")
    assert page.locator("[id='r:core.patch.keep-partial']").is_visible()


CELLS = ".grid td, .grid tbody th, .grid thead th:not(:first-child)"
OUTSIDE = """all => all.filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 0 && (box.left < 0 || box.right > innerWidth);
}).map(one => one.textContent)"""


@pytest.mark.parametrize("name", ["matrix", "many"])
def test_the_matrix_can_be_read_on_a_phone(name: str, open_page: Open) -> None:
    """Every verdict is within 400 pixels, and the names of the servers stay on the screen."""
    page = open_page(name, viewport={"width": 400, "height": 800})
    assert page.eval_on_selector_all(CELLS, OUTSIDE) == []
    assert page.eval_on_selector_all(".grid .mark", "all => all.length") > 20
    last = page.locator("details.block").first.locator("tbody tr").last
    last.scroll_into_view_if_needed()
    names = page.locator("details.block").first.locator("thead th >> nth=1")
    assert names.bounding_box()["y"] >= 0
    first = page.locator(".totals td").first
    label = first.evaluate("one => getComputedStyle(one, '::before').content")
    assert label == f'"{"one" if name == "matrix" else "server-number-0"}"'


def test_raw_bytes_fit_the_page(open_page: Open) -> None:
    """On a phone a long line of a request is wrapped, not cut off or scrolled."""
    page = open_page(viewport={"width": 390, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wider = (
        "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    )
    assert page.locator(".side pre").count() > 0
    assert page.eval_on_selector_all(".side pre", wider) == []


def test_on_paper_nothing_is_in_the_way(open_page: Open) -> None:
    """Printed, there are no filters and no buttons, and what did not pass is whole."""
    page = open_page()
    page.emulate_media(media="print")
    assert not page.locator("form.filters").is_visible()
    assert page.locator("button:visible").count() == 0
    assert page.locator("#findings .card").first.get_by_text("reproduce", exact=True).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("name", ["report", "matrix", "many", "comparison", "stability"])
def test_no_barrier_is_found(name: str, width: int, scheme: str, open_page: Open) -> None:
    """With everything opened, axe finds nothing, and the page is no wider than the window."""
    page = open_page(name, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
