"""`runner.line_redaction`: what is quoted of a response has neither secrets nor endless texts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pytest

from tus_conformance.runner.line_redaction import MAX_TEXT, redact_line
from tus_conformance.targets.target import Target
from tus_reports import Attempt, Capability, Check, Discovery, Footer, ScenarioResult
from tus_reports.record import Counts

PASSWORD, KEY = "s3cret/pass+word", "k3y-Value"
BASIC = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
TARGET = Target(
    "http://tus.test/", headers=(("Authorization", f"Basic {BASIC}"), ("X-Api-Key", KEY))
)

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in capitals": str.upper,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded whole": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "JSON": lambda text: text.replace("/", "\\/"),
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 after one byte": lambda text: base64.b64encode(b"a" + text.encode() + b"b").decode(),
    "Base64 after two bytes": lambda text: base64.b64encode(b"ab" + text.encode()).decode(),
    "Base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("secret", [BASIC, PASSWORD, f"admin:{PASSWORD}", KEY])
@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_passes(secret: str, form: str) -> None:
    shown = FORMS[form](secret)
    check = Check(
        requirement="x", outcome="violated", actual=f"X: <{shown}>", evidence=shown, expected=shown
    )
    lines = (
        ScenarioResult(
            id="x",
            title="X",
            verdict="fail",
            section="x",
            extension="core",
            reason=shown,
            attempts=(Attempt(verdict="fail", reason=shown, checks=(check,)),),
        ),
        Discovery(
            versions=(shown,),
            extensions=(shown,),
            algorithms=(shown,),
            capabilities=(Capability(name="x", advertised=True, observed="refused", reason=shown),),
        ),
        Footer(
            counts=Counts(scenarios={}, requirements={}),
            exit_code=1,
            error=shown,
            remaining_uploads=(shown,),
        ),
    )
    for line in lines:
        text = msgspec.json.encode(redact_line(line, TARGET.redaction)).decode()
        assert shown[3:-3] not in text
        assert secret not in text


def test_the_user_of_a_credential_is_hidden_where_it_stands_alone() -> None:
    hide = TARGET.redaction.redact_text
    assert hide("user: admin, administrator") == "user: [redacted], administrator"
    assert hide("Upload-Offset: 5") == "Upload-Offset: 5"


def test_a_text_of_the_server_is_bounded() -> None:
    line = Footer(counts=Counts(scenarios={}, requirements={}), exit_code=1, error="x" * 1_000_000)
    assert len(redact_line(line, TARGET.redaction).error) < MAX_TEXT + 100
