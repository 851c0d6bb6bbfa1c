"""`state.references`: numbers of the server that no int() converts."""

from __future__ import annotations

import pytest

from tus_conformance.state.early_exit import UnresolvedReference
from tus_conformance.state.references import _shift
from tus_conformance.transport.header_values import HUGE, parse_integer


def test_thousands_of_digits_are_a_number_beyond_all_others() -> None:
    assert parse_integer("9" * 5000) == HUGE
    assert parse_integer("0" * 5000 + "7") == 7
    assert parse_integer(str(2**64)) == 2**64


def test_a_value_that_is_no_number_cannot_be_counted_from() -> None:
    assert _shift("upload.offset", "41", -1) == "40"
    with pytest.raises(UnresolvedReference, match=r"upload\.offset is not a number"):
        _shift("upload.offset", "many", 1)
