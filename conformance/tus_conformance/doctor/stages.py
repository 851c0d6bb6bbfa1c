"""Every stage, in the order of their examination, with the conditions that each needs.

A finding says which conditions do not hold with it (`prevents` in `data/findings.toml`); a stage
that needs one of them is not examined.
"""

from __future__ import annotations

from tus_conformance.doctor.cache import examine_cache
from tus_conformance.doctor.connection_reuse import examine_reuse
from tus_conformance.doctor.content import examine_content
from tus_conformance.doctor.cors import examine_cors
from tus_conformance.doctor.early_answers import examine_early_answers
from tus_conformance.doctor.framing import examine_framing
from tus_conformance.doctor.header_fields import examine_headers
from tus_conformance.doctor.limits import examine_limits
from tus_conformance.doctor.location import examine_location
from tus_conformance.doctor.login import examine_login
from tus_conformance.doctor.methods import examine_methods
from tus_conformance.doctor.reach import examine_reach
from tus_conformance.doctor.refusals import examine_refusals
from tus_conformance.doctor.shared_state import examine_shared_state
from tus_conformance.doctor.stage import Stage
from tus_conformance.doctor.streaming import examine_streaming
from tus_conformance.doctor.timeouts import examine_timeouts

_RESUMABLE = ("upload", "head", "patch", "offset")
"""What it takes to see how much of an upload is stored."""

STAGES = (
    Stage("reach", "Who answers", examine_reach),
    Stage("location", "Location of a new upload", examine_location),
    Stage("servers", "Several servers behind one name", examine_shared_state, ("upload",)),
    Stage("methods", "Methods", examine_methods, ("upload", "common-state")),
    Stage("login", "Login on every method", examine_login, ("upload", "common-state")),
    Stage("headers", "Headers in both directions", examine_headers, ("upload", "head", "patch")),
    Stage("refusals", "Refusals", examine_refusals, ("upload", "head", "patch", "marks")),
    Stage("cache", "Caches", examine_cache, _RESUMABLE),
    Stage("streaming", "Streaming", examine_streaming, (*_RESUMABLE, "cache")),
    Stage(
        "early-answers", "Early answers", examine_early_answers, ("upload", "streaming", "refusals")
    ),
    Stage("content", "Content of bodies", examine_content, ("upload", "patch")),
    Stage("limits", "Limits", examine_limits, ("upload", "patch")),
    Stage("time-outs", "Time-outs", examine_timeouts, ("upload", "patch")),
    Stage("connection-reuse", "Connection reuse", examine_reuse, _RESUMABLE),
    Stage("framing", "Framing of requests", examine_framing, ("upload", "patch", "offset")),
    Stage("cors", "Pages of other origins", examine_cors, ("upload",)),
)
