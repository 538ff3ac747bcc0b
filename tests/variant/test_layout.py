"""Prepared layouts give what the general decoder gives."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.variant.layout import prepare, sketch
from tests.variant.strategies import INTS, SCALARS, TEXTS, VALUES


class _Asked:
    """Counts what a prepared reader hands on."""

    def __init__(self) -> None:
        self.general_calls = 0
        self.other_calls = 0

    def general(self, data: bytes) -> Any:
        self.general_calls += 1
        return v.Decoder().general(data)

    def other(self, data: bytes) -> Any:
        self.other_calls += 1
        return None


def reader_of(data: bytes) -> Any:
    layout = sketch(data)
    return layout and prepare(layout)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_a_layout_reads_its_own_example(value: Any) -> None:
    data = v.dumps(value)
    read = reader_of(data)
    if read is not None:
        asked = _Asked()
        assert v.dumps(read(data, asked)) == data
        assert asked.other_calls == 0


def outcome(decode: Any, data: bytes) -> bytes | str:
    """The value's exact bytes, or the error."""
    try:
        return v.dumps(decode(data), double=True)
    except v.VariantDecodeError as error:
        return str(error)


SHAPES = st.sampled_from(
    [
        st.fixed_dictionaries(
            {"seq": INTS, "t": SCALARS[v.Type.FLOAT], "pos": SCALARS[v.Type.VECTOR2], "name": TEXTS}
        ),
        st.tuples(TEXTS, INTS, SCALARS[v.Type.TRANSFORM3D], SCALARS[v.Type.PLANE]).map(list),
        st.fixed_dictionaries(
            {"a": st.fixed_dictionaries({"b": st.booleans(), "c": st.just([])}), "d": st.none()}
        ),
        st.fixed_dictionaries(
            {
                "p": SCALARS[v.Type.PACKED_VECTOR2_ARRAY],
                "q": st.binary(max_size=5),
                "i": SCALARS[v.Type.VECTOR3I],
            }
        ),
    ]
)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(SHAPES.flatmap(lambda shape: st.lists(shape, min_size=4, max_size=30)), st.data())
def test_a_decoder_with_layouts_is_as_the_general_one(values: list[Any], data: st.DataObject) -> None:
    decoder = v.Decoder()
    for value in values * 3:
        payload = bytearray(v.dumps(value))
        if data.draw(st.booleans()):
            payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
        payload_bytes = bytes(payload)
        assert outcome(decoder.loads, payload_bytes) == outcome(decoder.general, payload_bytes)


def message(seq: int, name: str = "abcd") -> bytes:
    return v.dumps({"seq": seq, "t": 0.1, "pos": v.Vector2(1, 2), "name": name})


def test_results_are_the_same_types() -> None:
    data = message(7)
    found = reader_of(data)(data, _Asked())
    assert type(found) is v.Dictionary
    assert found == {"seq": 7, "t": 0.1, "pos": v.Vector2(1, 2), "name": "abcd"}
    assert type(found["pos"]) is v.Vector2
    found[1.0] = 2
    assert found.key_type is None
    assert v.dumps(found) == v.dumps(v.Dictionary([*v.loads(data).items(), (1.0, 2)]))


def test_another_layout_of_the_same_length_is_told_apart() -> None:
    read = reader_of(message(7))
    asked = _Asked()
    read(message(7).replace(b"seq\0", b"sex\0"), asked)
    read(message(8, "wxyz"), asked)
    assert asked.other_calls == 1


@pytest.mark.parametrize("name", ["a\0bc", "\ufeffa", "\uff41a", "a\xff\xff\xff"])
def test_text_that_needs_care_goes_to_the_general_decoder(name: str) -> None:
    raw = name.encode("latin-1") if name.endswith("\xff") else name.encode()
    asked = _Asked()
    data = message(7)[:-4] + raw
    assert len(data) == len(message(7))
    with contextlib.suppress(v.VariantDecodeError):
        reader_of(message(7))(data, asked)
    assert asked.general_calls == 1
