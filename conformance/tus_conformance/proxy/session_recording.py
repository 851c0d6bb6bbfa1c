"""A recording: what a client did, as the steps of a scenario, with nothing of the user's in it.

Uploads become names, their bytes generated content, metadata values placeholders of their kind; of
the headers only those of the protocol are kept. Offsets become references, so that the story can be
told to a server that keeps more or less of what breaks off.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tus_conformance.proxy.proxied_request import ProxiedRequest, header_value
from tus_conformance.proxy.scenario_writer import RecordedUpload, ScenarioWriter
from tus_scenarios import Step, ledger
from tus_scenarios.scenario import ScenarioFile, ScenarioSource
from tus_scenarios.writer import format_scenarios

_UNUSABLE = re.compile(r"[^a-z0-9.=_-]+")
_REQUIREMENT = "core.patch.apply-at-offset"
_NEEDS = {
    "post": "creation",
    "defer": "creation-defer-length",
    "bytes": "creation-with-upload",
    "partial": "concatenation",
    "delete": "termination",
}


class SessionRecording:
    """Requests in the order in which they began; `path` is where uploads are created."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._requests: list[ProxiedRequest] = []
        self.notes: list[str] = []

    def add(self, proxied: ProxiedRequest) -> None:
        """Take in a request; what becomes of it is known in the end."""
        self._requests.append(proxied)

    def format_scenario_file(self, name: str = "session") -> str | None:
        """Return the recording as a scenario file; None where no upload was made."""
        writer = ScenarioWriter()
        uploads: dict[str, RecordedUpload] = {}
        steps: list[Step] = []
        foreign = 0
        for proxied in self._requests:
            found = self._request_steps(proxied, writer, uploads)
            foreign += found is None
            steps += found or ()
        if not uploads:
            return None
        if foreign:
            self.notes.append(
                f"Left out, because their uploads were not created in this session: {foreign}"
                " requests."
            )
        for upload in uploads.values():
            steps += writer.finish_steps(upload)
        return _format_file(steps, writer, name)

    def _request_steps(
        self, proxied: ProxiedRequest, writer: ScenarioWriter, uploads: dict[str, RecordedUpload]
    ) -> tuple[Step, ...] | None:
        method = (proxied.header("X-HTTP-Method-Override") or proxied.method).upper()
        upload = uploads.get(proxied.path)
        if upload is not None:
            return writer.upload_steps(method, proxied, upload)
        if proxied.path.rstrip("/") != self._path.rstrip("/"):
            return None
        if method == "OPTIONS":
            return writer.options_steps()
        if method != "POST":
            return None
        created, step = writer.creation_step(proxied, list(_parts_of(proxied, uploads)))
        location = header_value(proxied.response_headers, "Location")
        if created is not None and location is not None:
            uploads[urlsplit(location).path] = created
        return (step,)


def _parts_of(proxied: ProxiedRequest, uploads: dict[str, RecordedUpload]) -> list[RecordedUpload]:
    """Return the uploads that a final upload is made of."""
    concat = proxied.header("Upload-Concat") or ""
    if not concat.startswith("final;"):
        return []
    found = [uploads.get(urlsplit(url).path) for url in concat.removeprefix("final;").split()]
    return [upload for upload in found if upload is not None]


def _format_file(steps: list[Step], writer: ScenarioWriter, name: str) -> str:
    row = ledger()[_REQUIREMENT]
    source = ScenarioSource(
        id=f"recorded.{_UNUSABLE.sub('-', name.lower())}",
        title="A recorded client session",
        why="Recorded between a client and a server; other servers must serve it too.",
        needs=tuple(need for word, need in _NEEDS.items() if word in writer.needed),
        step=tuple(steps),
    )
    file = ScenarioFile(section=row.section, extension=row.extension, scenario=(source,))
    remarks = (
        "Recorded by tus-conformance record. Contents are generated and metadata is replaced.",
        "Replay it: tus-conformance run --target URL --scenarios THIS-FILE",
        "",
    )
    return format_scenarios(file, remarks)
