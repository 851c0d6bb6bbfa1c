"""`run_mutant`: a mutant tried in a process of its own, where it stands in for its module."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import Connection
from types import CodeType, ModuleType
from typing import Literal

from proof.mutation.mutant import Mutant

Outcome = Literal["killed", "timeout", "survived"]

_PROCESSES = multiprocessing.get_context("fork")


class _MutantLoader(SourceFileLoader):
    """Loads the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._source = mutant.render()

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - what importlib calls
        """Return the code of the mutant."""
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _MutantFinder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - what importlib calls
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the mutant where its module is asked for."""
        if fullname != self._mutant.module:
            return None
        loader = _MutantLoader(self._mutant)
        return spec_from_file_location(fullname, self._mutant.path, loader=loader)


MutantCheck = Callable[[], tuple[bool, str]]
"""Tells whether a mutant is noticed, and by what, or else what there is to say of it.

It imports what it needs by itself, so that the mutant is found there.
"""


def run_mutant(mutant: Mutant, check_mutant: MutantCheck, *, seconds: float) -> tuple[Outcome, str]:
    """Ask in a process of its own whether a mutant is noticed.

    Raises RuntimeError where its module was imported before it could stand in.
    """
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_check_in_child, args=(mutant, check_mutant, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            return "timeout", f"nothing came of it in {seconds:.0f} seconds"
        was_loaded, killed, how = receiver.recv()
    except EOFError:
        return "killed", "the process ended"
    finally:
        process.kill()
        process.join()
    if not was_loaded:
        raise RuntimeError(f"{mutant.module} was imported before {mutant.name} could stand in")
    return ("killed" if killed else "survived"), how


def _check_in_child(mutant: Mutant, check_mutant: MutantCheck, sender: Connection) -> None:
    null_output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_output, 1)
    os.dup2(null_output, 2)
    sys.meta_path.insert(0, _MutantFinder(mutant))
    try:
        killed, how = check_mutant()
    except BaseException as failed:
        killed, how = True, f"{type(failed).__name__}: {failed}"
    module = sys.modules.get(mutant.module)
    # Where the import itself fails, there is no module left.
    was_loaded = module is None or isinstance(module.__loader__, _MutantLoader)
    sender.send((was_loaded, killed, how))
