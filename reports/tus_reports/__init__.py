"""Run records and every view of them; each view is a pure function of a record."""

from tus_reports.annotations import github_annotations
from tus_reports.badge import badge_json, badge_svg
from tus_reports.compare import (
    Comparison,
    MixedEditionsError,
    ScenarioStability,
    VerdictChange,
    compare,
    compare_stability,
)
from tus_reports.comparison_views import (
    comparison_html,
    comparison_markdown,
    comparison_text,
    stability_html,
    stability_markdown,
    stability_text,
)
from tus_reports.finding_text import finding_text
from tus_reports.har import har
from tus_reports.html import html
from tus_reports.issue import issue, issues
from tus_reports.json_report import json_report
from tus_reports.junit import junit
from tus_reports.leftovers import format_leftovers
from tus_reports.load_comparison import (
    LoadColumn,
    LoadComparison,
    MixedRecordsError,
    compare_loads,
    ensure_loads,
    load_comparison_html,
    load_comparison_markdown,
    load_comparison_text,
)
from tus_reports.load_result import (
    LoadCounts,
    LoadError,
    LoadFinding,
    LoadResult,
    RequestTimes,
)
from tus_reports.load_views import load_html, load_json, load_markdown, load_text
from tus_reports.markdown import markdown
from tus_reports.matrix import DuplicateServerError, MatrixServer, matrix_html, matrix_markdown
from tus_reports.record import (
    FORMAT,
    VERDICTS,
    Attempt,
    Capability,
    Check,
    ConnectionEvent,
    Counts,
    DecidingRule,
    Discovery,
    Exchange,
    Footer,
    Grade,
    Header,
    RecordedBody,
    RecordedResponse,
    RecordLine,
    RequirementResult,
    ScenarioResult,
    Verdict,
)
from tus_reports.record_reader import (
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
from tus_reports.record_writer import RecordOrderError, RecordWriter
from tus_reports.server_table import server_table, violation_table
from tus_reports.server_title import server_title
from tus_reports.terminal import Detail, TerminalView, render_terminal

__all__ = [
    "FORMAT",
    "VERDICTS",
    "Attempt",
    "Capability",
    "Check",
    "Comparison",
    "ConnectionEvent",
    "Counts",
    "DecidingRule",
    "Detail",
    "Discovery",
    "DuplicateError",
    "DuplicateServerError",
    "EmptyRecordError",
    "Exchange",
    "Footer",
    "Grade",
    "Header",
    "LoadColumn",
    "LoadComparison",
    "LoadCounts",
    "LoadError",
    "LoadFinding",
    "LoadResult",
    "MatrixServer",
    "MisplacedLineError",
    "MixedEditionsError",
    "MixedRecordsError",
    "NoHeaderError",
    "NotARecordError",
    "Record",
    "RecordError",
    "RecordLine",
    "RecordOrderError",
    "RecordWriter",
    "RecordedBody",
    "RecordedResponse",
    "RequestTimes",
    "RequirementResult",
    "ScenarioResult",
    "ScenarioStability",
    "TerminalView",
    "TruncatedRecordError",
    "UnknownFormatError",
    "Verdict",
    "VerdictChange",
    "badge_json",
    "badge_svg",
    "compare",
    "compare_loads",
    "compare_stability",
    "comparison_html",
    "comparison_markdown",
    "comparison_text",
    "ensure_loads",
    "finding_text",
    "format_leftovers",
    "github_annotations",
    "har",
    "html",
    "issue",
    "issues",
    "json_report",
    "junit",
    "load_comparison_html",
    "load_comparison_markdown",
    "load_comparison_text",
    "load_html",
    "load_json",
    "load_markdown",
    "load_text",
    "markdown",
    "matrix_html",
    "matrix_markdown",
    "read",
    "render_terminal",
    "server_table",
    "server_title",
    "stability_html",
    "stability_markdown",
    "stability_text",
    "violation_table",
]
