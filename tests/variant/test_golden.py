"""The engine's own bytes, read and written as the engine does."""

from __future__ import annotations

from typing import Any

import pytest

from gdlab import variant as v
from gdlab.errors import VariantDecodeError, VariantEncodeError
from tests.variant.golden import described, lines, value_of

VARIANTS = lines("variants.jsonl")
DECODE_ONLY = lines("decode_only.jsonl")
MALFORMED = lines("malformed.jsonl")

#: Answers that depend on the classes and scripts of the running game, which bytes alone do not tell.
NEEDS_THE_GAME = {"objects/unknown_class", "objects/abstract_class", "objects/typed_array_script_missing"}


def _named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["name"])


def _deep(case: dict[str, Any]) -> bool:
    return str(case.get("value", {}).get("t", "")).startswith("nested_")


@_named([case for case in VARIANTS if case["hex"]])
def test_bytes_of_the_engine_decode_to_the_value_it_described(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    full = case.get("full_objects", False)
    value, used = v.loads_from(data, full_objects=full)
    assert used == case["size"] == len(data)
    expected = case.get("decoded", case["value"])
    if full and case["value"]["t"] == "Object" and case["value"]["class"]:
        assert value.class_name == case["value"]["class"]
        assert value.properties.get("script") == case["value"]["script"]
    elif _deep(case):
        assert v.equal(value, value_of(case["value"]))
    elif not (full and "instance_id" in str(expected)):
        assert described(value) == described(value_of(expected))
    assert v.dumps(value, full_objects=full).hex() == case.get("reencoded", case["hex"])


@_named([case for case in VARIANTS if case["hex"] and not case.get("full_objects")])
def test_described_values_encode_to_the_bytes_of_the_engine(case: dict[str, Any]) -> None:
    value = value_of(case["value"])
    if case["value"].get("class", "") is None:
        value = None  # a freed object
    assert v.dumps(value).hex() == case["hex"]


@_named([case for case in VARIANTS if not case["hex"]])
def test_values_the_engine_refuses_to_encode_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(VariantEncodeError, match="1024 containers"):
        v.dumps(value_of(case["value"]))


@_named(DECODE_ONLY + [case for case in MALFORMED if case["ok"]])
def test_odd_input_that_the_engine_accepts_is_read_as_it_reads_it(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    value, used = v.loads_from(data, full_objects=case.get("with_objects", False))
    assert used == case["used"]
    if _deep(case):
        assert v.equal(value, value_of(case["value"]))
    elif isinstance(value, v.ObjectRecord):
        assert value.class_name == case["value"]["class"]
    else:
        assert described(value) == described(value_of(case["value"]))
    assert described_or_deep(
        v.loads(data, full_objects=case.get("with_objects", False))
    ) == described_or_deep(value)


def described_or_deep(value: Any) -> Any:
    """A description, or the bytes of values too deep to describe by recursion."""
    return v.dumps(value, full_objects=True, double=True)


@_named([case for case in MALFORMED if not case["ok"]])
def test_input_that_the_engine_refuses_is_refused_with_its_error(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"])
    if case["name"] in NEEDS_THE_GAME:
        v.loads(data, full_objects=True)
        return
    with pytest.raises(VariantDecodeError) as caught:
        v.loads(data, full_objects=case.get("with_objects", False))
    error = caught.value
    assert error.code == case["error"]
    assert error.expected
    assert error.found
    assert 0 <= error.offset <= len(data) + 3
