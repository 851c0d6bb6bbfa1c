"""Upload from a page in Chromium, on another origin, with Uppy and tus-js-client.

    python -m interop.browsers FOLDER-OF-NODE-MODULES [--picture FILE]

(from the folder reference/). CHROMIUM may name the browser. Each upload is compared byte for byte,
in what the server stored and in what the page downloads, and the server's access log and the
browser's requests must be those that there should be. In the last trials the server says nothing
about CORS, or not to this page: then the page must fail, or the trials would show nothing.
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
CHUNK = MIB // 4
"""What page.js sends in one PATCH."""
MIDDLE = MIB + 1
"""How many bytes are sent when an upload is stopped: all of some PATCHes, and a part of one."""
SLOW = MIB
"""Bytes per second of a line on which there is time to stop an upload in its middle."""


@dataclass(frozen=True)
class Heard:
    """A line of the server's access log."""

    method: str
    path: str
    status: int
    received: int


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
        self.folder = folder
        self._log = log
        self._seen = 0
        self._sent: list[Any] = []
        page.on("request", self._keep)

    def _keep(self, request: Any) -> None:
        self._sent.append(request)

    def heard(self) -> list[Heard]:
        """Return what the server heard since the last call."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line[:1] == "{"]
        new, self._seen = lines[self._seen :], len(lines)
        names = Heard.__dataclass_fields__
        return [Heard(**{name: each[name] for name in names}) for each in new]

    def sent(self, method: str) -> list[Any]:
        """Return the browser's requests of a method, since they were forgotten."""
        return [each for each in self._sent if each.method == method]

    def forget(self) -> None:
        """Forget what was sent and heard so far."""
        self._sent.clear()
        self.heard()

    def begin(self, *files: File, **options: Any) -> None:
        """Begin to upload with Uppy."""
        told = [file.told for file in files]
        self.page.evaluate(
            "([endpoint, files, options]) => window.begin(endpoint, files, options)",
            [self.server.url, told, options],
        )

    def pause(self, file: File) -> None:
        """Begin to upload, and let the page pause in the middle."""
        with self.slow():
            self.begin(file, stop={"at": MIDDLE, "by": "pause"})
            self.page.wait_for_function("() => window.stopped")
        check(self.page.evaluate("() => window.ended") is None, "it was over before the pause")

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
        """Check that an upload has the bytes of a file, on disk and as the page fetches it."""
        stored = (self.folder / urlsplit(url).path.rpartition("/")[2]).read_bytes()
        check(stored == file.content, f"{file.name} is not stored as it was sent")
        fetched = self.page.evaluate("([url, file]) => window.fetched(url, file)", [url, file.told])
        check(fetched, f"the page does not fetch {file.name} as it was sent")

    def went_on(self) -> int:
        """Check that an upload was resumed since all was forgotten; return from where."""
        heard = self.heard()
        check(count(heard, "POST") == 0, "it was created anew")
        check(count(heard, "HEAD") == 1, f"{count(heard, 'HEAD')} times was asked where it stands")
        start = int(self.sent("PATCH")[0].headers["upload-offset"])
        check(start > 0, "it began with the first byte again")
        check(any(each.method == "PATCH" and each.status == 204 for each in heard), "no PATCH")
        return start

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


def count(heard: list[Heard], method: str) -> int:
    """Return how many requests had a method."""
    return sum(1 for each in heard if each.method == method)


def whole(trial: Trial) -> str:
    """Upload a file."""
    file = File("whole.bin", 1, 3 * MIB + 17)
    trial.begin(file)
    trial.arrived(file)
    heard = trial.heard()
    check(count(heard, "OPTIONS") > 0, "nobody asked whether this origin may")
    check(count(heard, "POST") == 1, f"{count(heard, 'POST')} creations")
    check(count(heard, "PATCH") == 13, f"{count(heard, 'PATCH')} PATCHes")
    return f"{file.size} bytes in {count(heard, 'PATCH')} PATCHes"


def paused(trial: Trial) -> str:
    """Pause in the middle, and resume."""
    file = File("paused.bin", 2, 8 * MIB)
    trial.pause(file)
    trial.forget()
    trial.page.evaluate("() => window.goOn()")
    trial.arrived(file)
    return f"went on at {trial.went_on()} of {file.size} bytes"


def reloaded(trial: Trial) -> str:
    """Reload the page in the middle, choose the file again, and resume."""
    file = File("reloaded.bin", 3, 8 * MIB)
    with trial.slow(), trial.page.expect_navigation():
        trial.begin(file, stop={"at": MIDDLE, "by": "reload"})
    created = count(trial.heard(), "POST")
    check(created == 1, f"{created} creations before the page was left")
    trial.forget()
    trial.begin(file)
    trial.arrived(file)
    return f"went on at {trial.went_on()} of {file.size} bytes"


def gone(trial: Trial) -> str:
    """Read in the page that a paused upload is gone, and create it anew."""
    file = File("gone.bin", 4, 2 * MIB)
    trial.pause(file)
    (path,) = {urlsplit(each.url).path for each in trial.sent("PATCH")}
    removed = trial.server.request("DELETE", path, {})
    check(removed.status == 204, f"DELETE was answered {removed.status}")
    trial.forget()
    trial.page.evaluate("() => window.goOn()")
    trial.arrived(file)
    heard = trial.heard()
    asked = [each.status for each in heard if each.method == "HEAD"]
    check(len(asked) == 1 and asked[0] in {404, 410}, f"HEAD was answered {asked}")
    check(count(heard, "POST") == 1, f"{count(heard, 'POST')} creations after it was gone")
    return f"HEAD was answered {asked[0]}, and {file.size} bytes were sent anew"


def parallel(trial: Trial) -> str:
    """Upload one file in three parts at once."""
    file = File("parallel.bin", 5, 3 * MIB + 1)
    trial.begin(file, parallelUploads=3)
    (url,) = trial.arrived(file)
    heard = trial.heard()
    check(count(heard, "POST") == 4, f"{count(heard, 'POST')} creations")
    kinds = [each.headers.get("upload-concat", "none") for each in trial.sent("POST")]
    check(kinds[:3] == ["partial"] * 3, f"the creations were {kinds}")
    told = trial.server.request("HEAD", urlsplit(url).path, {}).headers["Upload-Concat"] or ""
    check(told.startswith("final;") and len(told.split()) == 3, f"Upload-Concat is {told}")
    return f"{file.size} bytes in three parts, and a final upload of them"


def several(trial: Trial) -> str:
    """Upload five files at once."""
    files = [File(f"file-{number}.bin", number, MIB + 100_003 * number) for number in range(1, 6)]
    trial.begin(*files)
    trial.arrived(*files)
    # One after the other, the first four would be those of one file.
    first = [each.path for each in trial.heard() if each.method == "PATCH"][:4]
    check(len(set(first)) > 1, "one was sent after the other")
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
    return f"{file.size} bytes, saved as {waiting.value.suggested_filename}"


def with_creation(trial: Trial) -> str:
    """Send the first bytes with the creation."""
    file = File("with-creation.bin", 7, 600_000)
    trial.begin(file, uploadDataDuringCreation=True)
    trial.arrived(file)
    heard = trial.heard()
    first = next(each.received for each in heard if each.method == "POST")
    check(first == CHUNK, f"{first} bytes came with the creation")
    check(count(heard, "PATCH") == 2, f"{count(heard, 'PATCH')} PATCHes")
    return f"{first} of {file.size} bytes came with the creation"


def streamed(trial: Trial) -> str:
    """Upload a stream, whose length is told in the end."""
    file = File("stream", 8, 900_001)
    script = "([endpoint, file]) => window.stream(endpoint, file)"
    url = trial.page.evaluate(script, [trial.server.url, file.told])
    trial.is_stored(url, file)
    (created,) = trial.sent("POST")
    check(created.headers.get("upload-defer-length") == "1", "the length was told at once")
    told = [each.headers.get("upload-length") for each in trial.sent("PATCH")]
    check(told[-1] == str(file.size) and told[0] is None, f"the PATCHes told the lengths {told}")
    return f"{file.size} bytes in {len(told)} PATCHes, the last of which told the length"


def too_large(trial: Trial) -> str:
    """Read in the page why an upload is refused."""
    file = File("too-large", 9, 33 * MIB)
    script = "([endpoint, file]) => window.refused(endpoint, file)"
    said = trial.page.evaluate(script, [trial.server.url, file.told])
    check(said.get("status") == 413, f"the page reads {said}")
    check("ERR_" in said["body"], f"the page reads {said}")
    return f"413 {said['body'].strip()}"


def with_cookies(trial: Trial) -> str:
    """Upload with credentials, where this origin may, and without."""
    trial.page.evaluate("() => { document.cookie = 'visitor=42' }")
    for cookies, told in ((False, None), (True, "visitor=42")):
        file = File(f"cookies-{cookies}.bin", 10 + cookies, 300_000)
        trial.forget()
        trial.begin(file, cookies=cookies)
        trial.arrived(file)
        for request in (*trial.sent("POST"), *trial.sent("PATCH")):
            found = request.all_headers().get("cookie")
            check(found == told, f"{request.method} had the cookie {found}, not {told}")
    return f"{file.size} bytes with a cookie in every request, and as many without"


def refused(trial: Trial, *, cookies: bool = False) -> str:
    """See Uppy fail, since the browser asks and gets no leave to create an upload."""
    trial.begin(File("refused.bin", 12, 1000), retryDelays=None, cookies=cookies)
    ended = trial.ended()
    check(not ended["urls"], "the page uploaded what it must not")
    check(len(ended["failed"]) == 1, f"the page says {ended}")
    heard = trial.heard()
    check({each.method for each in heard} == {"OPTIONS"}, f"the server heard {heard}")
    check(not any(trial.folder.iterdir()), "there is an upload")
    return f"the page cannot upload; its preflight was answered {heard[0].status}"


def cookies_refused(trial: Trial) -> str:
    """See Uppy fail with credentials, where every origin may upload without."""
    return refused(trial, cookies=True)


USUAL: dict[str, Act] = {
    "upload": whole,
    "resume after reload": reloaded,
    "pause and resume": paused,
    "gone while paused": gone,
    "parallel": parallel,
    "Unicode name": named,
    "data during creation": with_creation,
    "a stream of unknown length": streamed,
    "a refusal that the page can read": too_large,
    "several at once": several,
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
    given = os.environ.get("CHROMIUM")
    chromium = next(filter(None, map(shutil.which, [given] if given else NAMES)), None)
    if chromium is None:
        print(f"There is no Chromium{f' at {given}' if given else ''}: name it by CHROMIUM.")
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
            ({"another origin's leave": refused}, ("--cors-allow-origin", "https://example[.]org")),
            ({"without CORS": refused}, ("--disable-cors",)),
        ):
            page = browser.new_page(viewport={"width": 1000, "height": 900})
            page.goto(url)
            failed += _tried(page, trials, flags)
            if options.picture is not None and trials is USUAL:
                page.get_by_text("Upload complete").wait_for()
                page.screenshot(path=str(options.picture), full_page=True)
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
                trial.forget()
                try:
                    print(f"{name}: {act(trial)}", flush=True)
                except Exception as problem:
                    failed += 1
                    print(f"{name}: FAILED, {problem}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
