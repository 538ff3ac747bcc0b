"""Explanations account for every byte, and are safe to show."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from gdlab import variant as v
from tests.variant.fuzz import corpus
from tests.variant.golden import lines
from tests.variant.strategies import VALUES


def assert_covers(data: bytes, explanation: v.Explanation) -> None:
    at = 0
    for item in explanation.fields:
        assert item.offset == at
        assert item.data == data[at : at + len(item.data)]
        assert item.data
        at += len(item.data)
    assert at == len(data)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_fields_are_all_the_bytes_in_order(value: Any) -> None:
    data = v.dumps(value)
    explanation = v.explain(data)
    assert_covers(data, explanation)
    assert explanation.error is None
    assert (
        not any("not listed" in item.meaning for item in explanation.fields) or len(explanation.fields) > 1000
    )


def refusal(data: bytes, full_objects: bool) -> v.VariantDecodeError | None:
    try:
        v.loads(data, full_objects=full_objects)
    except v.VariantDecodeError as error:
        return error
    return None


@pytest.mark.parametrize("full_objects", [False, True])
def test_bad_input_is_explained_up_to_where_it_is_refused(full_objects: bool) -> None:
    for data in corpus():
        explanation = v.explain(data, full_objects=full_objects)
        assert_covers(data, explanation)
        assert str(explanation.error) == str(refusal(data, full_objects))


def test_whole_objects() -> None:
    for case in lines("variants.jsonl"):
        if case.get("full_objects"):
            data = bytes.fromhex(case["hex"])
            explanation = v.explain(data, full_objects=True)
            assert_covers(data, explanation)
            assert "not listed" not in str(explanation)


def test_the_table_reads_well() -> None:
    text = str(v.explain(v.dumps({"pos": v.Vector2(1, 0.5)}) + b"\1"))
    assert text.splitlines()[0].split() == ["offset", "bytes", "meaning", "value"]
    assert "Dictionary (27)" in text
    assert "'pos'" in text
    assert "0.5" in text
    assert "not part of the value" in text


def test_html_is_escaped() -> None:
    html = v.explain(v.dumps({"<script>": "<img src=x onerror=alert(1)>"}))._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
