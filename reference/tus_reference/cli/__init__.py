"""The command line: flags under tusd's names, one line on standard output, the rest on error."""

from tus_reference.cli.factories import new_handler
from tus_reference.cli.flag_types import parse_seconds
from tus_reference.cli.flags import new_parser
from tus_reference.cli.startup import main

__all__ = ["main", "new_handler", "new_parser", "parse_seconds"]
