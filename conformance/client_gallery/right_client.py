"""A right client: small, complete, and the base of those that are wrong on purpose.

Each wrong client replaces one of the methods here, so that a fault stands in a few lines.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

import httpx

VERSION = "1.0.0"
OCTETS = "application/offset+octet-stream"
MAX_ATTEMPTS = 4
RETRIED = frozenset({408, 409, 423, 429, 500, 502, 503, 504, 460})


class UploadError(Exception):
    """The upload cannot be completed."""


@dataclass
class Job:
    """What the client is asked to do; see the options of the drivers' contract."""

    endpoint: str
    file: Path
    chunk: int = 0
    parallel: int = 0
    defer: bool = False
    with_creation: bool = False
    checksum: str = ""
    resume: str = ""
    meta: list[str] = field(default_factory=list)
    override: bool = False
    terminate: bool = False
    headers: list[str] = field(default_factory=list)


class RightClient:
    """Uploads one file."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.data = job.file.read_bytes()
        self.http = httpx.Client(timeout=20, trust_env=False)
        self.extensions: set[str] = set()

    # The whole upload

    def run(self) -> str:
        """Upload the file and return its URL; raise UploadError."""
        self.discover()
        self.check_metadata()
        if self.job.parallel and "concatenation" in self.extensions:
            url = self.upload_in_parallel()
        elif self.job.resume:
            url = self.resume()
        else:
            url = self.upload_once()
        if self.job.terminate and "termination" in self.extensions:
            self.delete(url)
        return url

    def upload_once(self) -> str:
        """Create an upload and send the file."""
        body = self.first_body()
        url, offset = self.create(self.length_headers(), body)
        self.say_url(url)
        return self.send_rest(url, offset, self.data)

    def resume(self) -> str:
        """Go on with an upload; start a new one if it is gone."""
        offset = self.ask_offset(self.job.resume)
        if offset is None:
            return self.upload_once()
        return self.send_rest(self.job.resume, offset, self.data)

    def upload_in_parallel(self) -> str:
        """Send parts of the file as partial uploads and join them."""
        urls = []
        for part in self.parts():
            headers = {"Upload-Length": str(len(part)), **self.partial_header()}
            url, offset = self.create(headers, b"", metadata=False)
            urls.append(self.send_rest(url, offset, part))
        return self.join(urls)

    def join(self, urls: list[str]) -> str:
        """Create the final upload."""
        url, _ = self.create(self.final_headers(urls), b"")
        self.say_url(url)
        return url

    # The pieces that wrong clients replace

    def discover(self) -> None:
        """Ask which extensions there are."""
        try:
            response = self.http.request(
                "OPTIONS", self.job.endpoint, headers=self.options_headers()
            )
        except httpx.HTTPError:
            return
        if response.is_success:
            listed = response.headers.get("Tus-Extension", "")
            self.extensions = {name.strip() for name in listed.split(",")}

    def options_headers(self) -> dict[str, str]:
        """Return the headers of OPTIONS."""
        return {}

    def version_header(self) -> dict[str, str]:
        """Return what says which version the client speaks."""
        return {"Tus-Resumable": VERSION}

    def check_metadata(self) -> None:
        """Raise UploadError for keys that cannot be sent."""
        for pair in self.job.meta:
            key = pair.partition("=")[0]
            if not key or not key.isascii() or " " in key or "," in key:
                raise UploadError(f"the metadata key {key!r} cannot be sent")

    def metadata(self) -> str:
        """Return the value of Upload-Metadata."""
        pairs = (pair.partition("=") for pair in self.job.meta)
        return ",".join(self.metadata_pair(key, value) for key, _, value in pairs)

    def metadata_pair(self, key: str, value: str) -> str:
        """Return one pair of metadata."""
        return f"{key} {base64.b64encode(value.encode()).decode()}".strip()

    def length_headers(self) -> dict[str, str]:
        """Return what says how long the upload is."""
        if self.job.defer and "creation-defer-length" in self.extensions:
            return {"Upload-Defer-Length": "1"}
        return {"Upload-Length": str(len(self.data))}

    def first_body(self) -> bytes:
        """Return what is sent with the creation."""
        wanted = self.job.with_creation and "creation-with-upload" in self.extensions
        return self.data if wanted else b""

    def partial_header(self) -> dict[str, str]:
        """Return what marks a partial upload."""
        return {"Upload-Concat": "partial"}

    def final_headers(self, urls: list[str]) -> dict[str, str]:
        """Return what asks for a final upload."""
        return {"Upload-Concat": "final;" + " ".join(urls)}

    def parts(self) -> Iterator[bytes]:
        """Yield the parts of a file that is sent in parallel."""
        size = max(1, -(-len(self.data) // self.job.parallel))
        for start in range(0, len(self.data), size):
            yield self.data[start : start + size]

    def create(
        self, headers: dict[str, str], body: bytes, *, metadata: bool = True
    ) -> tuple[str, int]:
        """Create an upload; return its URL and what it holds."""
        sent = {**self.version_header(), **headers}
        if self.job.meta and metadata:
            sent["Upload-Metadata"] = self.metadata()
        if body:
            sent |= self.body_headers()
        response = self.request("POST", self.job.endpoint, sent, body)
        if response.status_code != 201 or "Location" not in response.headers:
            raise UploadError(f"creation was answered {response.status_code}")
        url = urljoin(self.job.endpoint, response.headers["Location"])
        return url, self.created_offset(response)

    def body_headers(self) -> dict[str, str]:
        """Return what goes with a body that is sent with a creation."""
        return {"Content-Type": OCTETS, "Expect": "100-continue"}

    def created_offset(self, response: httpx.Response) -> int:
        """Return what a new upload holds."""
        return self.read_offset(response) if "Upload-Offset" in response.headers else 0

    def send_rest(self, url: str, offset: int, data: bytes) -> str:
        """Send what is missing, and resume when a request breaks; return the upload's URL."""
        failures = 0
        deferred = "Upload-Defer-Length" in self.length_headers() and data is self.data
        while offset < len(data) or (deferred and not data):
            stop = min(len(data), offset + self.job.chunk) if self.job.chunk else len(data)
            headers = self.patch_headers(offset, data[offset:stop])
            if deferred and stop == len(data):
                headers["Upload-Length"] = str(len(data))
            reached = self.patch(url, headers, data[offset:stop])
            if reached is None or reached == offset:
                failures += 1
                if failures >= MAX_ATTEMPTS:
                    raise UploadError("it does not get on")
                time.sleep(0.05 * failures)
            if reached is None:
                reached = self.ask_offset(url)
                if reached is None:
                    return self.upload_once()
            if not 0 <= reached <= len(data):
                raise UploadError(f"the server says that it holds {reached} bytes")
            if reached < offset and not self.may_go_back:
                raise UploadError("the server says that it holds less than before")
            offset = reached
            if deferred and not data:
                break
        return url

    may_go_back = True

    def patch_headers(self, offset: int, body: bytes) -> dict[str, str]:
        """Return the headers of a PATCH."""
        headers = {**self.version_header(), "Upload-Offset": str(offset), "Content-Type": OCTETS}
        if self.job.checksum and "checksum" in self.extensions:
            headers["Upload-Checksum"] = self.checksum(body)
        return headers

    def checksum(self, body: bytes) -> str:
        """Return the value of Upload-Checksum."""
        digest = hashlib.new(self.job.checksum, body).digest()
        return f"{self.job.checksum} {base64.b64encode(digest).decode()}"

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; return the new offset, or None if it has to be asked for."""
        try:
            response = self.send_patch(url, headers, body)
        except httpx.HTTPError:
            return None
        if response.status_code in RETRIED:
            self.wait(response)
            return None
        if response.status_code != 204:
            raise UploadError(f"PATCH was answered {response.status_code}")
        return self.read_offset(response)

    def send_patch(self, url: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """Send a PATCH, as POST if that is asked for."""
        if self.job.override:
            headers = {**headers, **self.override_header()}
            return self.http.request("POST", url, headers=headers, content=body)
        return self.http.request("PATCH", url, headers=headers, content=body)

    def override_header(self) -> dict[str, str]:
        """Return what makes a POST stand for a PATCH."""
        return {"X-HTTP-Method-Override": "PATCH"}

    def read_offset(self, response: httpx.Response) -> int:
        """Return the offset of a response; raise UploadError without a sound one."""
        value = response.headers.get("Upload-Offset", "")
        if not (value.isascii() and value.isdigit()):
            raise UploadError(f"the server says {value!r} of the offset")
        return int(value)

    def ask_offset(self, url: str) -> int | None:
        """Ask what an upload holds; return None if it is gone."""
        response = self.request("HEAD", url, self.version_header())
        if response.status_code in {404, 410}:
            return None
        if not response.is_success:
            raise UploadError(f"HEAD was answered {response.status_code}")
        length = response.headers.get("Upload-Length")
        if length is None and not self.job.defer:
            raise UploadError("the server does not say how long the upload is")
        return self.read_offset(response)

    def delete(self, url: str) -> None:
        """Remove the upload."""
        try:
            response = self.request("DELETE", url, self.version_header())
        except UploadError:
            return
        if response.status_code not in {204, 404, 410}:
            raise UploadError(f"DELETE was answered {response.status_code}")

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        """Send a request, again while the server is busy; raise UploadError if it fails."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                response = self.http.request(method, url, headers=headers, content=body)
            except httpx.HTTPError as error:
                if method == "POST":
                    raise UploadError(f"{method} failed: {error}") from None
                time.sleep(0.05 * attempt)
                continue
            if response.status_code not in RETRIED or method == "POST":
                return response
            self.wait(response)
        raise UploadError(f"{method} failed {MAX_ATTEMPTS} times")

    def wait(self, response: httpx.Response) -> None:
        """Wait as long as the server says, or a moment."""
        value = response.headers.get("Retry-After", "")
        time.sleep(min(5.0, float(value)) if value.isdigit() else 0.05)

    def say_url(self, url: str) -> None:
        """Say which upload it is."""
        print(f"url {url}", flush=True)
