"""What is fuzzed, by name: a function that runs so many examples from a seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzzing.chunks import check_chunks, chunked_examples
from fuzzing.exchange import run_example
from fuzzing.records import check_record, record_examples
from fuzzing.requests import check_request, requests

if TYPE_CHECKING:
    from collections.abc import Mapping

Check = Callable[..., None]
CUTS: Final = st.lists(st.integers(0, 5000), max_size=4)


def _check_request(**arguments: Any) -> None:
    run_example(partial(check_request, **arguments))


def _check_chunks(**arguments: Any) -> None:
    run_example(partial(check_chunks, **arguments))


def _check_record(**arguments: Any) -> None:
    run_example(partial(check_record, **arguments), in_memory=False)


TARGETS: Final[Mapping[str, tuple[Check, Mapping[str, st.SearchStrategy[Any]]]]] = {
    "heads": (
        _check_request,
        {"request": requests(malformed=True), "cuts": CUTS, "behind_proxy": st.booleans()},
    ),
    "headers": (
        _check_request,
        {"request": requests(), "cuts": CUTS, "behind_proxy": st.booleans()},
    ),
    "chunks": (_check_chunks, {"example": chunked_examples(), "cuts": CUTS}),
    "records": (_check_record, {"example": record_examples()}),
}


def run_target(name: str, examples: int, number: int) -> int:
    """Run `examples` examples of a target from the seed `number`; return how many ran.

    Raises what the shortest example raises that breaks a rule; hypothesis prints the example.
    """
    check, strategies = TARGETS[name]
    executions = 0

    def run_one(**arguments: Any) -> None:
        nonlocal executions
        executions += 1
        check(**arguments)

    limits = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    seed(number)(limits(given(**strategies)(run_one)))()
    return executions
