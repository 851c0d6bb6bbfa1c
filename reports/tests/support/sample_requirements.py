"""The requirements of the sample run."""

from __future__ import annotations

from sample_parts import make_requirement

from tus_reports import RequirementResult


def sample_requirements() -> tuple[RequirementResult, ...]:
    """Make the requirements of the sample."""
    creation = {"section": "Creation/POST", "extension": "creation"}
    checksum = {"section": "Checksum", "extension": "checksum"}
    termination = {"section": "Termination", "extension": "termination"}
    mismatches = tuple(f"core.patch.offset-mismatch/{each}" for each in ("behind", "ahead", "far"))
    return (
        make_requirement(
            "core.tus-resumable.response-present",
            "MUST",
            "Every response other than replies to OPTIONS carries Tus-Resumable, including error "
            "responses.",
            "fail",
            "core.tus-resumable.response-present",
            section="Core/Headers/Tus-Resumable",
        ),
        make_requirement(
            "core.head.cache-control",
            "MUST",
            "An answer to HEAD carries Cache-Control: no-store.",
            "pass",
            "core.head.no-store",
            section="Core/HEAD",
        ),
        make_requirement(
            "core.patch.appends",
            "MUST",
            "A PATCH at the current offset appends the bytes of its body to the upload.",
            "pass",
            "core.patch.appends",
        ),
        make_requirement(
            "core.patch.offset-mismatch-409",
            "MUST",
            "A PATCH whose Upload-Offset is not the current offset of the upload is answered 409.",
            "fail",
            *mismatches,
        ),
        make_requirement(
            "core.patch.keep-partial",
            "SHOULD",
            "A server keeps as much of an interrupted PATCH as it can.",
            "warn",
            "core.patch.cut/50%",
            ambiguity="How much is possible is the server's own knowledge; nothing at all is "
            "treated as a warning.",
        ),
        make_requirement(
            "core.patch.concurrent",
            "IMPLIED",
            "Two PATCH requests at the same offset never both take effect.",
            "inconclusive",
            "core.patch.concurrent",
        ),
        make_requirement(
            "creation.post.location-201",
            "MUST",
            "A successful creation is answered 201 and names the upload in Location.",
            "pass",
            "creation.post.location",
            **creation,
        ),
        make_requirement(
            "creation.post.body-without-type",
            "UNSPECIFIED",
            "What becomes of the body of a creation that has no Content-Type.",
            "note",
            "creation.post.body-without-type",
            **creation,
        ),
        make_requirement(
            "creation.post.empty-complete",
            "MUST",
            "An upload of length 0 is complete once it is created.",
            "error",
            "creation.post.empty",
            **creation,
        ),
        make_requirement(
            "creation.max-size.413",
            "MUST",
            "A creation whose Upload-Length is beyond Tus-Max-Size is answered 413.",
            "not-applicable",
            "creation.max-size.413",
            **creation,
        ),
        *(
            make_requirement(name, "MUST", statement, "unsupported", name, **checksum)
            for name, statement in (
                ("checksum.mismatch-460", "A mismatch may be answered 460."),
                ("checksum.mismatch-discard", "A chunk that does not match is discarded."),
                ("checksum.algorithm-400", "An unknown algorithm may be answered 400."),
            )
        ),
        make_requirement(
            "termination.delete.gone",
            "SHOULD",
            "An upload that was terminated is answered 404 or 410.",
            "blocked",
            "termination.delete",
            **termination,
        ),
        make_requirement(
            "termination.delete-during-patch",
            "UNSPECIFIED",
            "What becomes of a PATCH during which its upload is terminated.",
            "excluded",
            "termination.delete-during-patch",
            **termination,
        ),
    )
