"""The command line: flags under tusd's names, one line on standard output, the rest on error."""

from tus_reference.commandline.flags import parser
from tus_reference.commandline.making import new_handler
from tus_reference.commandline.running import main
from tus_reference.commandline.values import seconds

__all__ = ["main", "new_handler", "parser", "seconds"]
