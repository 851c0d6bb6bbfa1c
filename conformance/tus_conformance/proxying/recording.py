"""A recording: what a client did, as the steps of a scenario, with nothing of the user's in it.

Uploads become names, their bytes generated content, metadata values placeholders of their kind; of
the headers only those of the protocol are kept. Offsets become references, so that the story can be
told to a server that keeps more or less of what breaks off.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tus_conformance.proxying.passing import Passing, value_in
from tus_conformance.proxying.recorded import Recorded, Scribe
from tus_scenarios import Step, ledger
from tus_scenarios.scenario import ScenarioFile, ScenarioSource
from tus_scenarios.writer import written

_UNUSABLE = re.compile(r"[^a-z0-9.=_-]+")
_ROW = "core.patch.apply-at-offset"
_NEEDS = {
    "post": "creation",
    "defer": "creation-defer-length",
    "bytes": "creation-with-upload",
    "partial": "concatenation",
    "delete": "termination",
}


class Recording:
    """Requests in the order in which they began; `path` is where uploads are created."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._passed: list[Passing] = []
        self.remarks: list[str] = []

    def began(self, passing: Passing) -> None:
        """Take in a request; what becomes of it is known in the end."""
        self._passed.append(passing)

    def written(self, name: str = "session") -> str | None:
        """Return the recording as a scenario file; None where no upload was made."""
        scribe = Scribe()
        uploads: dict[str, Recorded] = {}
        steps: list[Step] = []
        foreign = 0
        for passing in self._passed:
            found = self._step(passing, scribe, uploads)
            foreign += found is None
            steps += found or ()
        if not uploads:
            return None
        if foreign:
            self.remarks.append(
                f"Left out, since they are about no upload that was made here: {foreign} requests."
            )
        for upload in uploads.values():
            steps += scribe.completed(upload)
        return _file(steps, scribe, name)

    def _step(
        self, passing: Passing, scribe: Scribe, uploads: dict[str, Recorded]
    ) -> tuple[Step, ...] | None:
        method = (passing.header("X-HTTP-Method-Override") or passing.method).upper()
        upload = uploads.get(passing.path)
        if upload is not None:
            return scribe.about(method, passing, upload)
        if passing.path.rstrip("/") != self._path.rstrip("/"):
            return None
        if method == "OPTIONS":
            return scribe.options()
        if method != "POST":
            return None
        made, step = scribe.creation(passing, list(_named(passing, uploads)))
        location = value_in(passing.answer, "Location")
        if made is not None and location is not None:
            uploads[urlsplit(location).path] = made
        return (step,)


def _named(passing: Passing, uploads: dict[str, Recorded]) -> list[Recorded]:
    """Return the uploads that a final upload is made of."""
    concat = passing.header("Upload-Concat") or ""
    if not concat.startswith("final;"):
        return []
    found = [uploads.get(urlsplit(url).path) for url in concat.removeprefix("final;").split()]
    return [upload for upload in found if upload is not None]


def _file(steps: list[Step], scribe: Scribe, name: str) -> str:
    row = ledger()[_ROW]
    source = ScenarioSource(
        id=f"recorded.{_UNUSABLE.sub('-', name.lower())}",
        title="What a client did, told again",
        why="Recorded between a client and a server; another server has to serve it as well.",
        needs=tuple(need for word, need in _NEEDS.items() if word in scribe.used),
        step=tuple(steps),
    )
    file = ScenarioFile(section=row.section, extension=row.extension, scenario=(source,))
    remarks = (
        "Recorded by tus-conformance record. Contents are generated, nothing is the user's.",
        "Replay it: tus-conformance run --target URL --scenarios THIS-FILE",
        "",
    )
    return written(file, remarks)
