"""The command line: `tus-conformance COMMAND`, or `python -m tus_conformance COMMAND`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tus_conformance.arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = parser().parse_args(words)
    try:
        if options.command == "run":
            from tus_conformance.commands.run import run

            return run(options, words)
        if options.command == "coverage":
            from tus_conformance.commands.coverage import cover

            return cover(options.spec_text)
        if options.command in {"report", "compare"}:
            from tus_conformance.commands import report

            command = report.report if options.command == "report" else report.compare
            return command(options)
        from tus_conformance.commands.show import explain, listing

        return explain(options.id) if options.command == "explain" else listing(options)
    except KeyboardInterrupt:
        print("Interrupted; the record, if one was asked for, has no footer.", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141


if __name__ == "__main__":
    sys.exit(main())
