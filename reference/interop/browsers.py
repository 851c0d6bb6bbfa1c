"""Upload from a page in Chromium, on another origin, with Uppy and tus-js-client.

    python -m interop.browsers FOLDER-OF-NODE-MODULES [--picture FILE]

(from the folder reference/). CHROMIUM may name the browser. Each trial compares every byte, in what
the server stored or in what the browser downloads, and looks into the server's access log for the
requests that there should be. The last one turns CORS off: then the page must fail, or the trials
would show nothing.
"""

from __future__ import annotations

import argparse
import base64
import functools
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from interop.kills import check
from interop.processes import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from interop.processes import Server

    Act = Callable[["Trial"], str]

HERE = Path(__file__).with_name("browser")
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MIB = 1024 * 1024
SLOW = 4 * MIB
"""Bytes per second of a line on which there is time to stop an upload in its middle."""


@dataclass(frozen=True)
class File:
    """A file of the page: its bytes follow from the seed."""

    name: str
    seed: int
    size: int

    @property
    def content(self) -> bytes:
        """The bytes that page.js makes, too."""
        cycle = [at * 31 & 255 for at in range(256)]
        shifted = [bytes((byte + shift) & 255 for byte in cycle) for shift in range(256)]
        blocks = range((self.size + 255) // 256)
        return b"".join(shifted[(n * 17 + self.seed) & 255] for n in blocks)[: self.size]

    @property
    def told(self) -> dict[str, Any]:
        """What page.js is given."""
        return {"name": self.name, "seed": self.seed, "size": self.size}


class Trial:
    """A page at work against one server."""

    def __init__(self, page: Any, server: Server, folder: Path, log: Path) -> None:
        self.page = page
        self.server = server
        self._folder = folder
        self._log = log
        self._seen = 0

    def requests(self) -> list[tuple[str, int, int]]:
        """Return method, status and received bytes of what the server heard since the last call."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line[:1] == "{"]
        new, self._seen = lines[self._seen :], len(lines)
        return [(each["method"], each["status"], each["received"]) for each in new]

    def begin(self, *files: File, **options: Any) -> None:
        """Begin to upload with Uppy."""
        told = [file.told for file in files]
        self.page.evaluate(
            "([endpoint, files, options]) => window.begin(endpoint, files, options)",
            [self.server.url, told, options],
        )

    def reach(self, size: int) -> None:
        """Wait until so many bytes of the upload have arrived."""
        self.page.wait_for_function("(size) => window.progress >= size", arg=size)

    def ended(self) -> dict[str, Any]:
        """Wait for the end of the upload, and return what Uppy says of it."""
        self.page.wait_for_function("() => window.ended !== null", timeout=60_000)
        found: dict[str, Any] = self.page.evaluate("() => window.ended")
        return found

    def arrived(self, *files: File) -> list[str]:
        """Check that all files were uploaded, every byte of them; return their URLs."""
        ended = self.ended()
        check(not ended["failed"], f"Uppy says {ended['failed']}")
        urls = dict(ended["urls"])
        check(set(urls) == {file.name for file in files}, f"uploaded were {sorted(urls)}")
        for file in files:
            self.is_stored(urls[file.name], file)
        return [urls[file.name] for file in files]

    def is_stored(self, url: str, file: File) -> None:
        """Check that an upload has the bytes of a file."""
        stored = (self._folder / urlsplit(url).path.rpartition("/")[2]).read_bytes()
        check(stored == file.content, f"{file.name} is not stored as it was sent")

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Let the browser send slowly."""
        control = self.page.context.new_cdp_session(self.page)
        line = {"offline": False, "latency": 5, "downloadThroughput": -1}
        control.send("Network.enable")
        control.send("Network.emulateNetworkConditions", {**line, "uploadThroughput": SLOW})
        try:
            yield
        finally:
            control.send("Network.emulateNetworkConditions", {**line, "uploadThroughput": -1})
            control.detach()


def count(requests: list[tuple[str, int, int]], method: str) -> int:
    """Return how many requests had a method."""
    return sum(1 for each in requests if each[0] == method)


def whole(trial: Trial) -> str:
    """Upload a file, and fetch it from the page."""
    file = File("whole.bin", 1, 3 * MIB + 17)
    trial.begin(file)
    (url,) = trial.arrived(file)
    fetched = trial.page.evaluate("([url, file]) => window.fetched(url, file)", [url, file.told])
    check(fetched, "the page does not fetch what it has uploaded")
    requests = trial.requests()
    check(count(requests, "POST") == 1, f"{count(requests, 'POST')} creations")
    return f"{file.size} bytes in {count(requests, 'PATCH')} PATCHes, fetched again"


def paused(trial: Trial) -> str:
    """Pause in the middle, and resume."""
    file = File("paused.bin", 2, 8 * MIB)
    with trial.slow():
        trial.begin(file)
        trial.reach(MIB)
        trial.page.evaluate("() => window.pause()")
    check(trial.page.evaluate("() => window.ended") is None, "it was over before the pause")
    before = trial.requests()
    sent = sum(size for method, _, size in before if method == "PATCH")
    check(0 < sent < file.size, f"{sent} bytes had arrived at the pause")
    trial.page.evaluate("() => window.goOn()")
    trial.arrived(file)
    after = trial.requests()
    check(count(after, "POST") == 0, "it was created anew")
    check(count(after, "HEAD") == 1, "nobody asked where it stands")
    return f"paused after {sent} of {file.size} bytes, and went on"


def reloaded(trial: Trial) -> str:
    """Reload the page in the middle, choose the file again, and resume."""
    file = File("reloaded.bin", 3, 8 * MIB)
    with trial.slow():
        trial.begin(file)
        trial.reach(MIB)
        trial.page.reload()
    before = trial.requests()
    sent = sum(size for method, _, size in before if method == "PATCH")
    check(count(before, "POST") == 1, f"{count(before, 'POST')} creations before the page was left")
    trial.begin(file)
    trial.arrived(file)
    after = trial.requests()
    left = sum(size for method, _, size in after if method == "PATCH")
    check(count(after, "POST") == 0, "it was created anew")
    check(count(after, "HEAD") == 1, "nobody asked where it stands")
    check(0 < left < file.size, f"{left} of {file.size} bytes were sent after the page was left")
    return f"left after {sent} of {file.size} bytes, then {left} more"


def parallel(trial: Trial) -> str:
    """Upload one file in three parts at once."""
    file = File("parallel.bin", 4, 3 * MIB + 1)
    trial.begin(file, parallelUploads=3)
    trial.arrived(file)
    requests = trial.requests()
    check(count(requests, "POST") == 4, f"{count(requests, 'POST')} creations")
    return "three parts, and a final upload of them"


def several(trial: Trial) -> str:
    """Upload five files at once."""
    files = [File(f"file-{number}.bin", number, 100_003 * number) for number in range(1, 6)]
    trial.begin(*files)
    trial.arrived(*files)
    trial.requests()
    return f"{sum(file.size for file in files)} bytes in {len(files)} files"


def named(trial: Trial) -> str:
    """Upload a file whose name is no ASCII, and download it by its link."""
    file = File("Grüße an die 世界 🎈 (1).bin", 6, 700_001)
    trial.begin(file)
    (url,) = trial.arrived(file)
    head = trial.server.request("HEAD", urlsplit(url).path, {})
    pairs = dict(pair.split(" ") for pair in (head.headers["Upload-Metadata"] or "").split(","))
    told = base64.b64decode(pairs["filename"]).decode()
    check(told == file.name, f"the metadata says {told}")
    with trial.page.expect_download() as waiting:
        trial.page.get_by_role("link", name=file.name).click()
    check(waiting.value.suggested_filename == file.name, waiting.value.suggested_filename)
    check(Path(waiting.value.path()).read_bytes() == file.content, "the download differs")
    trial.requests()
    return f"saved as {waiting.value.suggested_filename}"


def with_creation(trial: Trial) -> str:
    """Send the first bytes with the creation."""
    file = File("with-creation.bin", 7, 600_000)
    trial.begin(file, uploadDataDuringCreation=True)
    trial.arrived(file)
    first = next(each for each in trial.requests() if each[0] == "POST")
    check(first[2] > 0, "the creation had no bytes")
    return f"{first[2]} bytes came with the creation"


def streamed(trial: Trial) -> str:
    """Upload a stream, whose length is told in the end."""
    file = File("stream", 8, 900_001)
    script = "([endpoint, file]) => window.stream(endpoint, file)"
    url = trial.page.evaluate(script, [trial.server.url, file.told])
    trial.is_stored(url, file)
    trial.requests()
    return f"{file.size} bytes"


def too_large(trial: Trial) -> str:
    """Read in the page why an upload is refused."""
    file = File("too-large", 9, 33 * MIB)
    script = "([endpoint, file]) => window.refused(endpoint, file)"
    said = trial.page.evaluate(script, [trial.server.url, file.told])
    check(said.get("status") == 413, f"the page reads {said}")
    check("ERR_" in said["body"], f"the page reads {said}")
    trial.requests()
    return f"413 {said['body'].strip()}"


def with_cookies(trial: Trial) -> str:
    """Upload with credentials, where this origin may."""
    file = File("cookies.bin", 10, 300_000)
    trial.begin(file, cookies=True)
    trial.arrived(file)
    return f"{file.size} bytes"


def refused(trial: Trial, *, cookies: bool = False) -> str:
    """See Uppy fail."""
    trial.begin(File("refused.bin", 11, 1000), retryDelays=None, cookies=cookies)
    ended = trial.ended()
    check(not ended["urls"], "the page uploaded what it must not")
    check(len(ended["failed"]) == 1, f"the page says {ended}")
    return "the page cannot upload"


def cookies_refused(trial: Trial) -> str:
    """See Uppy fail with credentials, where every origin may upload without."""
    return refused(trial, cookies=True)


USUAL: dict[str, Act] = {
    "upload and fetch": whole,
    "pause and resume": paused,
    "resume after reload": reloaded,
    "parallel": parallel,
    "several at once": several,
    "Unicode name": named,
    "data during creation": with_creation,
    "a stream of unknown length": streamed,
    "a refusal that the page can read": too_large,
}


@contextmanager
def pages(modules: Path) -> Iterator[str]:
    """Serve the page and its scripts on a port of their own; yield the page's URL."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("page.html", "page.js"):
            shutil.copy(HERE / name, folder)
        for name in ("uppy/dist/uppy.min.js", "uppy/dist/uppy.min.css"):
            shutil.copy(modules / name, folder)
        shutil.copy(modules / "tus-js-client/dist/tus.min.js", folder)

        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/page.html"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def main() -> int:
    """Run every trial; return 1 if one failed."""
    arguments = argparse.ArgumentParser(prog="interop.browsers", description=__doc__)
    arguments.add_argument("modules", type=Path, help="node_modules with uppy and tus-js-client")
    arguments.add_argument("--picture", type=Path, help="where to put a picture of the page")
    options = arguments.parse_args()
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        print("There is no Chromium: install it, or name it by CHROMIUM.")
        return 2
    from playwright.sync_api import sync_playwright

    failed = 0
    with sync_playwright() as playwright, pages(options.modules) as url:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        origin = re.escape(url.removesuffix("/page.html"))
        allowed = ("--cors-allow-credentials", "--cors-allow-origin", origin)
        for trials, flags in (
            (USUAL, ()),
            ({"credentials": with_cookies}, allowed),
            ({"no credentials for everybody": cookies_refused}, ()),
            ({"without CORS": refused}, ("--disable-cors",)),
        ):
            page = browser.new_page(viewport={"width": 1000, "height": 900})
            page.goto(url)
            failed += _tried(page, trials, flags)
            if options.picture is not None and trials is USUAL:
                page.screenshot(path=str(options.picture))
            page.close()
        browser.close()
    return 1 if failed else 0


def _tried(page: Any, trials: Mapping[str, Act], flags: tuple[str, ...]) -> int:
    """Run trials against a server of their own; return how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        folder, log = Path(home) / "uploads", Path(home) / "log"
        limits = ("--max-size", str(32 * MIB), "--access-log", "json")
        with reference(folder, *limits, *flags, log=log) as server:
            trial = Trial(page, server, folder, log)
            for name, act in trials.items():
                try:
                    print(f"{name}: {act(trial)}", flush=True)
                except Exception as problem:
                    failed += 1
                    print(f"{name}: FAILED, {problem}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
