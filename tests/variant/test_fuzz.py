"""A small part of the fuzzing, with a fixed seed."""

from __future__ import annotations

import pytest

from tests.variant import fuzz


@pytest.mark.parametrize("count", [400, pytest.param(4000, marks=pytest.mark.slow)])
def test_mutated_payloads_are_values_or_variant_errors(count: int) -> None:
    outcomes = fuzz.run(count, seed=20)
    assert set(outcomes) <= {
        "value",
        "ERR_INVALID_DATA",
        "ERR_FILE_EOF",
        "ERR_UNAUTHORIZED",
        "ERR_OUT_OF_MEMORY",
    }
    assert min(outcomes["value"], outcomes["ERR_INVALID_DATA"], outcomes["ERR_FILE_EOF"]) > count / 40
