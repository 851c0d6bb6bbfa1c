"""Exchanges about one upload, and what the invariants of uploads say of them."""

from __future__ import annotations

from observed_exchange import ExchangeText, exchange_from

DATE = "Upload-Expires: Sun, 06 Nov 1994 08:49:37 GMT"
OFFSET = "Upload-Offset: 40"
CONCAT = "Upload-Concat: partial"
METADATA = "Upload-Metadata: a YQ==,flag"


def create(*sent: str, response: tuple[str, ...] = ()) -> ExchangeText:
    """Return a creation of the upload that the other exchanges are about."""
    return exchange_from("POST 201", "Location: 1", *response, sent=sent)


CREATED = create("Upload-Length: 100")
DEFERRED = create("Upload-Defer-Length: 1")
PARTIAL = create("Upload-Length: 100", CONCAT)
FINAL = create("Upload-Concat: final;/files/2 /files/3")
DATED = create("Upload-Length: 100", response=(DATE,))
DATED_DEFERRED = create("Upload-Defer-Length: 1", response=(DATE,))
DESCRIBED = create("Upload-Length: 100", METADATA)
PART = exchange_from("POST 201", "Location: part", sent=["Upload-Length: 100", CONCAT, METADATA])
JOINED = create("Upload-Concat: final;/files/part", "Upload-Metadata: b Yg==")
DECLARED = exchange_from("PATCH 204", OFFSET, sent=["Upload-Length: 100"])


def patch(*headers: str, said: str = "PATCH 204", at: str = "0", known: int = 0) -> ExchangeText:
    """Return a PATCH of the upload that sends some bytes."""
    return exchange_from(
        said, *headers, sent=[f"Upload-Offset: {at}"], body=b"x" * 40, acknowledged=known
    )


def head(*headers: str, said: str = "HEAD 200") -> ExchangeText:
    """Return a HEAD of the upload."""
    return exchange_from(said, *headers)


CASES: list[tuple[str, list[ExchangeText], str, str]] = [
    ("head-cache-control", [CREATED, head("Cache-Control: no-store")], "pass", "on a success"),
    ("head-cache-control", [CREATED, head("Cache-Control: max-age=0, No-Store")], "pass", "listed"),
    ("head-cache-control", [CREATED, head()], "fail", "missing"),
    ("head-cache-control", [CREATED, head("Cache-Control: no-cache")], "fail", "another"),
    ("head-cache-control", [FINAL, head()], "fail", "missing for a final upload"),
    ("head-cache-control", [CREATED, head(said="POST>HEAD 200")], "fail", "overridden"),
    ("head-cache-control", [CREATED, head(said="PATCH>HEAD 200")], "not-applicable", "no POST"),
    ("head-cache-control", [CREATED, head(said="POST>head 200")], "not-applicable", "lower case"),
    ("head-cache-control", [CREATED, head(said="HEAD 404")], "warn", "on an error"),
    ("head-cache-control", [CREATED, head(said="HEAD 412")], "not-applicable", "a refusal"),
    ("head-upload-offset", [CREATED, head(OFFSET)], "pass", "present"),
    ("head-upload-offset", [CREATED, head()], "fail", "missing"),
    ("head-upload-offset", [head()], "fail", "of an upload that a command created"),
    ("head-upload-offset", [FINAL, head()], "not-applicable", "a final may be unfinished"),
    ("head-upload-offset", [PARTIAL, head()], "not-applicable", "a partial has its own rule"),
    ("head-partial-upload-offset", [PARTIAL, head(OFFSET)], "pass", "present"),
    ("head-partial-upload-offset", [PARTIAL, head()], "fail", "missing"),
    ("head-partial-upload-offset", [FINAL, head()], "not-applicable", "a final"),
    ("head-upload-length", [CREATED, head("Upload-Length: 100")], "pass", "as created"),
    ("head-upload-length", [CREATED, head("Upload-Length: 0100")], "pass", "padded"),
    ("head-upload-length", [CREATED, head("Upload-Length: 10")], "fail", "another"),
    ("head-upload-length", [PARTIAL, head()], "fail", "missing for a partial upload"),
    ("head-upload-length", [DEFERRED, head()], "not-applicable", "unknown"),
    ("head-upload-length", [FINAL, head()], "not-applicable", "a final"),
    ("head-upload-defer-length", [DEFERRED, head("Upload-Defer-Length: 1")], "pass", "deferred"),
    ("head-upload-defer-length", [DEFERRED, head()], "fail", "missing"),
    ("head-upload-defer-length", [DEFERRED, DECLARED, head()], "not-applicable", "declared"),
    (
        "head-upload-defer-length",
        [DEFERRED, head("Upload-Length: 100")],
        "not-applicable",
        "a declaration may be under way",
    ),
    ("head-upload-length-known", [CREATED, head()], "pass", "known"),
    ("head-upload-length-known", [CREATED, head("Upload-Defer-Length: 1")], "fail", "both"),
    ("head-upload-length-known", [DEFERRED, head()], "not-applicable", "deferred"),
    ("head-final-metadata", [PART, JOINED, head("Upload-Metadata: b Yg==")], "pass", "its own"),
    ("head-final-metadata", [PART, JOINED, head(METADATA)], "fail", "of the part"),
    ("head-final-metadata", [PART, JOINED, head("Upload-Metadata: flag")], "fail", "some of it"),
    (
        "head-final-metadata",
        [PART, JOINED, head("Upload-Metadata: c Yw==")],
        "pass",
        "the server's",
    ),
    ("head-final-metadata", [FINAL, head(METADATA)], "not-applicable", "of unknown parts"),
    ("head-upload-metadata", [DESCRIBED, head(METADATA)], "pass", "as created"),
    ("head-upload-metadata", [DESCRIBED, head("Upload-Metadata: flag ,a YQ==")], "pass", "order"),
    ("head-upload-metadata", [DESCRIBED, head("Upload-Metadata: a Yg==,flag")], "fail", "another"),
    ("head-upload-metadata", [DESCRIBED, head()], "not-applicable", "ignored, which is legal"),
    ("head-upload-metadata", [DESCRIBED, head(METADATA), head()], "fail", "no longer returned"),
    ("head-upload-metadata", [CREATED, head(METADATA), head()], "not-applicable", "not sent"),
    (
        "head-upload-metadata",
        [create("Upload-Metadata: a YQ==,a YQ=="), head(METADATA)],
        "not-applicable",
        "malformed",
    ),
    ("head-upload-concat", [PARTIAL, head(CONCAT)], "pass", "as created"),
    ("head-upload-concat", [PARTIAL, head()], "fail", "missing"),
    ("head-upload-concat", [FINAL, head(CONCAT)], "fail", "another"),
    (
        "head-upload-concat",
        [FINAL, head("Upload-Concat: final;../files/2 ../files/3")],
        "pass",
        "other URLs for the same uploads",
    ),
    ("head-upload-concat", [CREATED, head()], "not-applicable", "ordinary"),
    ("head-success-status", [CREATED, head()], "pass", "200"),
    ("head-success-status", [CREATED, head(said="HEAD 203")], "warn", "another"),
    ("head-not-found-no-offset", [head(said="HEAD 404")], "pass", "without it"),
    ("head-not-found-no-offset", [head(OFFSET, said="HEAD 410")], "warn", "with it"),
    ("patch-success-status", [CREATED, patch()], "pass", "204"),
    ("patch-success-status", [CREATED, patch(said="PATCH 200")], "fail", "200"),
    (
        "patch-success-status",
        [CREATED, patch(said="POST>PATCH 201")],
        "not-applicable",
        "the override may have been ignored",
    ),
    ("patch-upload-offset", [CREATED, patch(OFFSET)], "pass", "present"),
    ("patch-upload-offset", [CREATED, patch(said="POST>PATCH 204")], "fail", "missing"),
    ("patch-upload-offset-sum", [CREATED, patch(OFFSET)], "pass", "the sum"),
    ("patch-upload-offset-sum", [CREATED, patch("Upload-Offset: 9")], "pass", "fewer were stored"),
    ("patch-upload-offset-sum", [CREATED, patch("Upload-Offset: 41")], "fail", "more than sent"),
    ("patch-upload-offset-sum", [CREATED, patch(OFFSET, at="41", known=41)], "fail", "back"),
    ("patch-upload-offset-sum", [CREATED, patch(OFFSET, at="41")], "not-applicable", "mismatch"),
    ("patch-upload-offset-sum", [CREATED, patch(OFFSET, at="x")], "not-applicable", "malformed"),
    ("patch-upload-expires", [DATED, patch(OFFSET, DATE)], "pass", "present"),
    ("patch-upload-expires", [DATED, patch(OFFSET)], "fail", "missing"),
    ("patch-upload-expires", [DATED, patch(OFFSET, said="POST>PATCH 204")], "fail", "overridden"),
    ("patch-upload-expires", [DATED_DEFERRED, patch(OFFSET)], "fail", "of unknown length"),
    ("patch-upload-expires", [CREATED, head(DATE), patch(OFFSET)], "fail", "known from HEAD"),
    ("patch-upload-expires", [DATED, patch("Upload-Offset: 100")], "not-applicable", "complete"),
    ("patch-upload-expires", [DATED_DEFERRED, DECLARED], "not-applicable", "may be complete"),
    ("patch-upload-expires", [CREATED, patch(OFFSET)], "not-applicable", "it may not expire"),
    ("upload-expires-format", [patch(DATE)], "pass", "IMF-fixdate"),
    ("upload-expires-format", [patch("Upload-Expires: 1994-11-06T08:49:37Z")], "fail", "ISO 8601"),
    (
        "upload-expires-format",
        [patch("Upload-Expires: Sun Nov  6 08:49:37 1994")],
        "warn",
        "an obsolete form",
    ),
    ("unsupported-version-lists-versions", [head(said="9.9.9 HEAD 412")], "fail", "missing"),
    (
        "unsupported-version-lists-versions",
        [head("Tus-Version: 1.0.0", said="9.9.9 HEAD 412")],
        "pass",
        "present",
    ),
    ("unsupported-version-lists-versions", [head(said="HEAD 412")], "not-applicable", "supported"),
    (
        "unsupported-version-lists-versions",
        [exchange_from("none HEAD 412", sent=["Tus-Resumable: "])],
        "not-applicable",
        "no version",
    ),
    ("creation-status", [CREATED], "pass", "201"),
    ("creation-status", [exchange_from("POST 200", "Location: 1")], "fail", "200"),
    ("creation-status", [exchange_from("POST 200")], "not-applicable", "no upload is named"),
    ("creation-location", [CREATED], "pass", "present"),
    ("creation-location", [exchange_from("POST 201")], "fail", "missing"),
]
"""Names of invariants, exchanges, the expected verdict, and what the case is about."""

UPLOAD_INVARIANTS = tuple(dict.fromkeys(name for name, *_ in CASES))
