"""The sample run with a text in it that could break out of any format."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tus_reports import Check, Record

HOSTILE = "\x1b]0;x\x07 ]]> & <script>alert(1)</script> `` ```` | \x00 \ufffe --> ${x} % :: é"


def add_hostile_text(record: Record) -> Record:
    """Put a text that could break out of any format into every place that a server can reach."""
    check = Check(
        requirement="core.patch.offset-mismatch-409",
        outcome="violated",
        grade="fail",
        expected=HOSTILE,
        actual=HOSTILE,
        evidence=HOSTILE,
        explanation=HOSTILE,
    )
    scenario = msgspec.structs.replace(
        record.scenarios[3],
        title=HOSTILE,
        reason=HOSTILE,
        section=HOSTILE,
        attempts=(msgspec.structs.replace(record.scenarios[3].attempts[0], checks=(check,)),),
    )
    skipped = msgspec.structs.replace(record.scenarios[-1], reason=HOSTILE)
    return replace(record, scenarios=(scenario, skipped))
