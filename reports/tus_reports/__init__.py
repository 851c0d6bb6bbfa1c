"""Run records and every view of them; each view is a pure function of a record."""

from tus_reports.account import finding
from tus_reports.annotations import github_annotations
from tus_reports.badge import badge_json, badge_svg
from tus_reports.compare import (
    Change,
    Comparison,
    MixedEditionsError,
    Stability,
    compare,
    stability,
)
from tus_reports.comparison import (
    comparison_html,
    comparison_markdown,
    comparison_text,
    stability_html,
    stability_markdown,
    stability_text,
)
from tus_reports.har import har
from tus_reports.html import html
from tus_reports.junit import junit
from tus_reports.markdown import markdown
from tus_reports.matrix import DuplicateServerError, Server, matrix_html, matrix_markdown
from tus_reports.reader import (
    DuplicateError,
    EmptyRecordError,
    MisplacedLineError,
    NoHeaderError,
    NotARecordError,
    Record,
    RecordError,
    TruncatedRecordError,
    UnknownFormatError,
    read,
)
from tus_reports.record import (
    FORMAT,
    VERDICTS,
    Attempt,
    Body,
    Capability,
    Check,
    Counts,
    Discovery,
    Event,
    Exchange,
    Footer,
    Grade,
    Header,
    Line,
    Requirement,
    Response,
    Scenario,
    Verdict,
)
from tus_reports.summary import as_json
from tus_reports.terminal import TerminalView, render
from tus_reports.writer import RecordOrderError, RecordWriter

__all__ = [
    "FORMAT",
    "VERDICTS",
    "Attempt",
    "Body",
    "Capability",
    "Change",
    "Check",
    "Comparison",
    "Counts",
    "Discovery",
    "DuplicateError",
    "DuplicateServerError",
    "EmptyRecordError",
    "Event",
    "Exchange",
    "Footer",
    "Grade",
    "Header",
    "Line",
    "MisplacedLineError",
    "MixedEditionsError",
    "NoHeaderError",
    "NotARecordError",
    "Record",
    "RecordError",
    "RecordOrderError",
    "RecordWriter",
    "Requirement",
    "Response",
    "Scenario",
    "Server",
    "Stability",
    "TerminalView",
    "TruncatedRecordError",
    "UnknownFormatError",
    "Verdict",
    "as_json",
    "badge_json",
    "badge_svg",
    "compare",
    "comparison_html",
    "comparison_markdown",
    "comparison_text",
    "finding",
    "github_annotations",
    "har",
    "html",
    "junit",
    "markdown",
    "matrix_html",
    "matrix_markdown",
    "read",
    "render",
    "stability",
    "stability_html",
    "stability_markdown",
    "stability_text",
]
