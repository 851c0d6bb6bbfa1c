"""The stage `content`: whether bytes arrive as they were sent, whatever they look like.

Firewalls look for attacks in bodies, and some gateways take them for text.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.transport.header_values import header_value, split_list

SAMPLE = bytes(range(256)) + (
    b"\r\n\n\r\n<script>alert(1)</script>\n<?php system('id'); ?>\n' OR '1'='1' --\n"
    b"../../../../etc/passwd\n${jndi:ldap://127.0.0.1/a}\n; cat /etc/passwd\nMZ\x90\x00%PDF-1.7\n"
)
"""Every byte, the line ends of all systems, and what firewalls look for in bodies."""

_MISMATCH = 460


async def examine_content(examination: Examination) -> None:
    """Upload the sample and read it back."""
    _, url = await examination.create(len(SAMPLE))
    if url is None:
        return
    checksum = _checksum_header(examination)
    patched = await examination.patch(url, 0, SAMPLE, *checksum)
    if checksum and patched.status == _MISMATCH:
        values = {"how": f"a PATCH with its right checksum got {patched.status}"}
        examination.report("content.changed", patched, values=values)
    elif not examination.accepts(patched):
        _, other = await examination.create(len(SAMPLE))
        plain = await examination.patch(other or url, 0, bytes(len(SAMPLE)))
        if examination.accepts(plain):
            values = {"answer": describe_answer(patched)}
            examination.report("content.inspected", patched, values=values)
    else:
        read = await examination.send("GET", url)
        coded = header_value(read.headers, "Content-Encoding") not in {None, "identity"}
        is_readable = succeeded(read) and not examination.is_foreign(read) and not coded
        if is_readable and read.body != SAMPLE:
            values = {"how": f"a download returned {_describe_difference(read.body)}"}
            examination.report("content.changed", patched, read, values=values)


def _checksum_header(examination: Examination) -> tuple[tuple[str, str], ...]:
    """Return the header with the checksum of the sample, where the server offers SHA-1."""
    headers = examination.options.headers if examination.options else ()
    offered = split_list(header_value(headers, "Tus-Checksum-Algorithm") or "")
    if "checksum" not in examination.extensions or "sha1" not in offered:
        return ()
    digest = b64encode(sha1(SAMPLE, usedforsecurity=False).digest()).decode()
    return (("Upload-Checksum", f"sha1 {digest}"),)


def _describe_difference(body: bytes) -> str:
    if len(body) != len(SAMPLE):
        return f"{len(body)} of {len(SAMPLE)} bytes"
    place = next(at for at in range(len(SAMPLE)) if SAMPLE[at] != body[at])
    return f"0x{body[place]:02x} for 0x{SAMPLE[place]:02x} at byte {place}"
