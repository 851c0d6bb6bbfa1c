"""`clients.offered_extensions`: a server that knows fewer extensions ignores the others."""

from __future__ import annotations

from tus_conformance.clients.offered_extensions import OfferedExtensions

CREATION = (
    ("Upload-Length", "5"),
    ("Content-Type", "application/offset+octet-stream"),
    ("Upload-Concat", "partial"),
    ("Upload-Checksum", "sha1 abc="),
)


def test_the_reference_offers_all() -> None:
    assert OfferedExtensions(None).limit_request(CREATION, b"12345") == (CREATION, b"12345")
    headers = (("Tus-Extension", "creation,checksum"),)
    assert OfferedExtensions(None).limit_response("OPTIONS", headers) == headers


def test_what_is_not_offered_is_taken_from_requests() -> None:
    offered = OfferedExtensions(("creation",))
    assert offered.limit_request(CREATION, b"12345") == ((("Upload-Length", "5"),), b"")


def test_a_body_of_patch_stays() -> None:
    patch = (("Upload-Offset", "0"), ("Content-Type", "application/offset+octet-stream"))
    assert OfferedExtensions(("creation",)).limit_request(patch, b"12") == (patch, b"12")


def test_what_is_not_offered_is_taken_from_responses() -> None:
    headers = (
        ("Tus-Extension", "creation,checksum,expiration"),
        ("Tus-Checksum-Algorithm", "sha1"),
        ("Upload-Expires", "Sat, 28 Nov 2026 00:19:37 GMT"),
        ("Upload-Offset", "0"),
    )
    limited = OfferedExtensions(("creation", "termination"))
    assert limited.limit_response("POST", headers) == (("Tus-Extension", "creation,termination"),)
    assert OfferedExtensions(()).limit_response("HEAD", headers) == (("Upload-Offset", "0"),)
