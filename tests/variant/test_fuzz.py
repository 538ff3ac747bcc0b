"""A small part of the fuzzing, with a fixed seed."""

from __future__ import annotations

from tests.variant import fuzz


def test_mutated_payloads_are_values_or_variant_errors() -> None:
    outcomes = fuzz.run(4000, seed=20)
    assert set(outcomes) <= {
        "value",
        "ERR_INVALID_DATA",
        "ERR_FILE_EOF",
        "ERR_UNAUTHORIZED",
        "ERR_OUT_OF_MEMORY",
    }
    assert min(outcomes["value"], outcomes["ERR_INVALID_DATA"], outcomes["ERR_FILE_EOF"]) > 100
