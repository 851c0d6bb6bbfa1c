"""Upload from a page in Chromium, on another origin, with Uppy and tus-js-client.

    python -m interop.uppy_in_browser FOLDER-OF-NODE-MODULES [--picture FILE]

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

from interop.crashes import require
from interop.server_processes import run_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from interop.server_processes import InteropServer

    Act = Callable[["BrowserSession"], str]

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
class LoggedRequest:
    """A line of the server's access log."""

    method: str
    path: str
    status: int
    received: int


@dataclass(frozen=True)
class PageFile:
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
    def as_json(self) -> dict[str, Any]:
        """What page.js is given."""
        return {"name": self.name, "seed": self.seed, "size": self.size}


class BrowserSession:
    """A page at work against one server."""

    def __init__(self, page: Any, server: InteropServer, folder: Path, log: Path) -> None:
        self.page = page
        self.server = server
        self.folder = folder
        self._log = log
        self._seen = 0
        self._sent: list[Any] = []
        page.on("request", self._keep)

    def _keep(self, request: Any) -> None:
        self._sent.append(request)

    def take_log(self) -> list[LoggedRequest]:
        """Return the requests since the last call."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line[:1] == "{"]
        new, self._seen = lines[self._seen :], len(lines)
        names = LoggedRequest.__dataclass_fields__
        return [LoggedRequest(**{name: each[name] for name in names}) for each in new]

    def sent(self, method: str) -> list[Any]:
        """Return the browser's requests of a method, since they were forgotten."""
        return [each for each in self._sent if each.method == method]

    def forget(self) -> None:
        """Forget the requests and the events so far."""
        self._sent.clear()
        self.take_log()

    def begin(self, *files: PageFile, **options: Any) -> None:
        """Begin to upload with Uppy."""
        told = [file.as_json for file in files]
        self.page.evaluate(
            "([endpoint, files, options]) => window.begin(endpoint, files, options)",
            [self.server.url, told, options],
        )

    def pause(self, file: PageFile) -> None:
        """Begin to upload, and let the page pause in the middle."""
        with self.throttle():
            self.begin(file, stop={"at": MIDDLE, "by": "pause"})
            self.page.wait_for_function("() => window.stopped")
        require(self.page.evaluate("() => window.ended") is None, "it was over before the pause")

    def wait_for_end(self) -> dict[str, Any]:
        """Wait for the end of the upload, and return what Uppy says of it."""
        self.page.wait_for_function("() => window.ended !== null", timeout=60_000)
        found: dict[str, Any] = self.page.evaluate("() => window.ended")
        return found

    def check_uploads(self, *files: PageFile) -> list[str]:
        """Check that all files were uploaded, every byte of them; return their URLs."""
        ended = self.wait_for_end()
        require(not ended["failed"], f"Uppy says {ended['failed']}")
        urls = dict(ended["urls"])
        require(set(urls) == {file.name for file in files}, f"uploaded were {sorted(urls)}")
        for file in files:
            self.is_stored(urls[file.name], file)
        return [urls[file.name] for file in files]

    def is_stored(self, url: str, file: PageFile) -> None:
        """Check that an upload has the bytes of a file, on disk and as the page fetches it."""
        stored = (self.folder / urlsplit(url).path.rpartition("/")[2]).read_bytes()
        require(stored == file.content, f"{file.name} is not stored as it was sent")
        fetched = self.page.evaluate(
            "([url, file]) => window.fetched(url, file)", [url, file.as_json]
        )
        require(fetched, f"the page does not fetch {file.name} as it was sent")

    def check_resumed(self) -> int:
        """Check that an upload was resumed since all was forgotten; return from where."""
        heard = self.take_log()
        require(count_requests(heard, "POST") == 0, "it was created anew")
        require(
            count_requests(heard, "HEAD") == 1,
            f"{count_requests(heard, 'HEAD')} times was asked where it stands",
        )
        start = int(self.sent("PATCH")[0].headers["upload-offset"])
        require(start > 0, "it began with the first byte again")
        require(any(each.method == "PATCH" and each.status == 204 for each in heard), "no PATCH")
        return start

    @contextmanager
    def throttle(self) -> Iterator[None]:
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


def count_requests(heard: list[LoggedRequest], method: str) -> int:
    """Return how many requests had a method."""
    return sum(1 for each in heard if each.method == method)


def upload_file(session: BrowserSession) -> str:
    """Upload a file."""
    file = PageFile("whole.bin", 1, 3 * MIB + 17)
    session.begin(file)
    session.check_uploads(file)
    heard = session.take_log()
    require(count_requests(heard, "OPTIONS") > 0, "nobody asked whether this origin may")
    require(count_requests(heard, "POST") == 1, f"{count_requests(heard, 'POST')} creations")
    require(count_requests(heard, "PATCH") == 13, f"{count_requests(heard, 'PATCH')} PATCHes")
    return f"{file.size} bytes in {count_requests(heard, 'PATCH')} PATCHes"


def pause_and_resume(session: BrowserSession) -> str:
    """Pause in the middle, and resume."""
    file = PageFile("paused.bin", 2, 8 * MIB)
    session.pause(file)
    session.forget()
    session.page.evaluate("() => window.goOn()")
    session.check_uploads(file)
    return f"went on at {session.check_resumed()} of {file.size} bytes"


def reload_and_resume(session: BrowserSession) -> str:
    """Reload the page in the middle, choose the file again, and resume."""
    file = PageFile("reloaded.bin", 3, 8 * MIB)
    with session.throttle(), session.page.expect_navigation():
        session.begin(file, stop={"at": MIDDLE, "by": "reload"})
    created = count_requests(session.take_log(), "POST")
    require(created == 1, f"{created} creations before the page was left")
    session.forget()
    session.begin(file)
    session.check_uploads(file)
    return f"went on at {session.check_resumed()} of {file.size} bytes"


def recreate_missing_upload(session: BrowserSession) -> str:
    """Read in the page that a paused upload was removed, and create it again."""
    file = PageFile("gone.bin", 4, 2 * MIB)
    session.pause(file)
    (path,) = {urlsplit(each.url).path for each in session.sent("PATCH")}
    removed = session.server.request("DELETE", path, {})
    require(removed.status == 204, f"DELETE was answered {removed.status}")
    session.forget()
    session.page.evaluate("() => window.goOn()")
    session.check_uploads(file)
    heard = session.take_log()
    asked = [each.status for each in heard if each.method == "HEAD"]
    require(len(asked) == 1 and asked[0] in {404, 410}, f"HEAD was answered {asked}")
    require(
        count_requests(heard, "POST") == 1,
        f"{count_requests(heard, 'POST')} creations after it was gone",
    )
    return f"HEAD was answered {asked[0]}, and {file.size} bytes were sent anew"


def upload_in_parallel(session: BrowserSession) -> str:
    """Upload one file in three parts at once."""
    file = PageFile("parallel.bin", 5, 3 * MIB + 1)
    session.begin(file, parallelUploads=3)
    (url,) = session.check_uploads(file)
    heard = session.take_log()
    require(count_requests(heard, "POST") == 4, f"{count_requests(heard, 'POST')} creations")
    kinds = [each.headers.get("upload-concat", "none") for each in session.sent("POST")]
    require(kinds[:3] == ["partial"] * 3, f"the creations were {kinds}")
    told = session.server.request("HEAD", urlsplit(url).path, {}).headers["Upload-Concat"] or ""
    require(told.startswith("final;") and len(told.split()) == 3, f"Upload-Concat is {told}")
    return f"{file.size} bytes in three parts, and a final upload of them"


def upload_several_files(session: BrowserSession) -> str:
    """Upload five files at once."""
    files = [
        PageFile(f"file-{number}.bin", number, MIB + 100_003 * number) for number in range(1, 6)
    ]
    session.begin(*files)
    session.check_uploads(*files)
    # One after the other, the first four would be those of one file.
    first = [each.path for each in session.take_log() if each.method == "PATCH"][:4]
    require(len(set(first)) > 1, "one was sent after the other")
    return f"{sum(file.size for file in files)} bytes in {len(files)} files"


def upload_non_ascii_name(session: BrowserSession) -> str:
    """Upload a file whose name is not ASCII, and download it by its link."""
    file = PageFile("Grüße an die 世界 🎈 (1).bin", 6, 700_001)
    session.begin(file)
    (url,) = session.check_uploads(file)
    head = session.server.request("HEAD", urlsplit(url).path, {})
    pairs = dict(pair.split(" ") for pair in (head.headers["Upload-Metadata"] or "").split(","))
    told = base64.b64decode(pairs["filename"]).decode()
    require(told == file.name, f"the metadata says {told}")
    with session.page.expect_download() as waiting:
        session.page.get_by_role("link", name=file.name).click()
    require(waiting.value.suggested_filename == file.name, waiting.value.suggested_filename)
    require(Path(waiting.value.path()).read_bytes() == file.content, "the download differs")
    return f"{file.size} bytes, saved as {waiting.value.suggested_filename}"


def upload_with_creation(session: BrowserSession) -> str:
    """Send the first bytes with the creation."""
    file = PageFile("with-creation.bin", 7, 600_000)
    session.begin(file, uploadDataDuringCreation=True)
    session.check_uploads(file)
    heard = session.take_log()
    first = next(each.received for each in heard if each.method == "POST")
    require(first == CHUNK, f"{first} bytes came with the creation")
    require(count_requests(heard, "PATCH") == 2, f"{count_requests(heard, 'PATCH')} PATCHes")
    return f"{first} of {file.size} bytes came with the creation"


def upload_stream(session: BrowserSession) -> str:
    """Upload a stream, whose length is declared at the end."""
    file = PageFile("stream", 8, 900_001)
    script = "([endpoint, file]) => window.stream(endpoint, file)"
    url = session.page.evaluate(script, [session.server.url, file.as_json])
    session.is_stored(url, file)
    (created,) = session.sent("POST")
    require(created.headers.get("upload-defer-length") == "1", "the length was told at once")
    told = [each.headers.get("upload-length") for each in session.sent("PATCH")]
    require(told[-1] == str(file.size) and told[0] is None, f"the PATCHes told the lengths {told}")
    return f"{file.size} bytes in {len(told)} PATCHes, the last of which told the length"


def exceed_max_size(session: BrowserSession) -> str:
    """Read in the page why an upload is refused."""
    file = PageFile("too-large", 9, 33 * MIB)
    script = "([endpoint, file]) => window.refused(endpoint, file)"
    said = session.page.evaluate(script, [session.server.url, file.as_json])
    require(said.get("status") == 413, f"the page reads {said}")
    require("ERR_" in said["body"], f"the page reads {said}")
    return f"413 {said['body'].strip()}"


def upload_with_cookies(session: BrowserSession) -> str:
    """Upload with credentials, where this origin may, and without."""
    session.page.evaluate("() => { document.cookie = 'visitor=42' }")
    for cookies, told in ((False, None), (True, "visitor=42")):
        file = PageFile(f"cookies-{cookies}.bin", 10 + cookies, 300_000)
        session.forget()
        session.begin(file, cookies=cookies)
        session.check_uploads(file)
        for request in (*session.sent("POST"), *session.sent("PATCH")):
            found = request.all_headers().get("cookie")
            require(found == told, f"{request.method} had the cookie {found}, not {told}")
    return f"{file.size} bytes with a cookie in every request, and as many without"


def fail_preflight(session: BrowserSession, *, cookies: bool = False) -> str:
    """See Uppy fail, because the preflight does not allow to create an upload."""
    session.begin(PageFile("refused.bin", 12, 1000), retryDelays=None, cookies=cookies)
    ended = session.wait_for_end()
    require(not ended["urls"], "the page uploaded what it must not")
    require(len(ended["failed"]) == 1, f"the page says {ended}")
    heard = session.take_log()
    require({each.method for each in heard} == {"OPTIONS"}, f"the server heard {heard}")
    require(not any(session.folder.iterdir()), "there is an upload")
    return f"the page cannot upload; its preflight was answered {heard[0].status}"


def fail_with_cookies(session: BrowserSession) -> str:
    """See Uppy fail with credentials, where every origin may upload without."""
    return fail_preflight(session, cookies=True)


USUAL_FLAGS: dict[str, Act] = {
    "upload": upload_file,
    "resume after reload": reload_and_resume,
    "pause and resume": pause_and_resume,
    "gone while paused": recreate_missing_upload,
    "parallel": upload_in_parallel,
    "Unicode name": upload_non_ascii_name,
    "data during creation": upload_with_creation,
    "a stream of unknown length": upload_stream,
    "a refusal that the page can read": exceed_max_size,
    "several at once": upload_several_files,
}


@contextmanager
def serve_pages(modules: Path) -> Iterator[str]:
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
    arguments = argparse.ArgumentParser(prog="interop.uppy_in_browser", description=__doc__)
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
    with sync_playwright() as playwright, serve_pages(options.modules) as url:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        origin = re.escape(url.removesuffix("/page.html"))
        allowed = ("--cors-allow-credentials", "--cors-allow-origin", origin)
        for sessions, flags in (
            (USUAL_FLAGS, ()),
            ({"credentials": upload_with_cookies}, allowed),
            ({"no credentials for everybody": fail_with_cookies}, ()),
            (
                {"another origin's leave": fail_preflight},
                ("--cors-allow-origin", "https://example[.]org"),
            ),
            ({"without CORS": fail_preflight}, ("--disable-cors",)),
        ):
            page = browser.new_page(viewport={"width": 1000, "height": 900})
            page.goto(url)
            failed += _run_sessions(page, sessions, flags)
            if options.picture is not None and sessions is USUAL_FLAGS:
                page.get_by_text("Upload complete").wait_for()
                page.screenshot(path=str(options.picture), full_page=True)
            page.close()
        browser.close()
    return 1 if failed else 0


def _run_sessions(page: Any, sessions: Mapping[str, Act], flags: tuple[str, ...]) -> int:
    """Run trials against a server of their own; return how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        folder, log = Path(home) / "uploads", Path(home) / "log"
        limits = ("--max-size", str(32 * MIB), "--access-log", "json")
        with run_reference(folder, *limits, *flags, log=log) as server:
            session = BrowserSession(page, server, folder, log)
            for name, act in sessions.items():
                session.forget()
                try:
                    print(f"{name}: {act(session)}", flush=True)
                except Exception as problem:
                    failed += 1
                    print(f"{name}: FAILED, {problem}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
