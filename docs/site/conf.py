"""Settings of the documentation site; `nox -s site` builds it."""

project = "tus-conformance"
extensions = ["myst_parser"]
myst_enable_extensions = ["attrs_block", "attrs_inline"]
myst_heading_anchors = 3
html_theme = "furo"
html_show_copyright = False
html_title = "tus-conformance"
html_extra_path = ["_extra"]
exclude_patterns = ["_extra"]
# Code blocks have headers, transcripts and templates in them, which no lexer takes as they are.
suppress_warnings = ["misc.highlighting_failure"]
linkcheck_timeout = 10
