"""Hypothesis strategies for values that Godot's Variant holds exactly."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gdlab import variant as v
from gdlab.variant.packed import PACKED
from gdlab.variant.wire import FIXED, Fixed, wide_nan


def _single(bits: int) -> float:
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    return wide_nan(bits) if value != value else value


def _double(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


#: Reals that 32 bits hold, with all NaN.
SINGLES = st.one_of(
    st.floats(width=32, allow_nan=False),
    st.integers(0, 0xFFFFFFFF).map(_single),
    st.sampled_from([0.0, -0.0, 1.0]),
)
DOUBLES = st.one_of(
    st.floats(allow_nan=False),
    SINGLES,
    st.integers(0, (1 << 64) - 1).map(_double),
    st.sampled_from([1.0, -0.0]),
)
#: A leading byte order mark and all after a NUL would not come back from the engine.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12).filter(
    lambda text: text[:1] != "\ufeff"
)
INTS = st.one_of(
    st.integers(-3, 3),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.sampled_from([-(1 << 31), -(1 << 31) - 1, (1 << 31) - 1, 1 << 31]),
)
IDS = st.integers(-(1 << 63), (1 << 63) - 1)


def _fixed(fixed: Fixed) -> st.SearchStrategy[Any]:
    part = SINGLES if fixed.code == "f" else st.integers(-(1 << 31), (1 << 31) - 1)
    return st.tuples(*[part] * fixed.count).map(fixed.build)


def _packed(cls: type[v.PackedArray]) -> st.SearchStrategy[Any]:
    size = cls.scalar.itemsize * (cls.columns or 1)

    def build(raw: bytes) -> v.PackedArray:
        rows = len(raw) // size
        numbers = np.frombuffer(raw[: rows * size], cls.scalar)
        return cls(numbers.reshape(rows, cls.columns) if cls.columns else numbers)

    return st.binary(max_size=size * 4).map(build)


SCALARS: dict[v.Type, st.SearchStrategy[Any]] = {
    v.Type.NIL: st.none(),
    v.Type.BOOL: st.booleans(),
    v.Type.INT: INTS,
    v.Type.FLOAT: DOUBLES,
    v.Type.STRING: TEXTS,
    **{kind: _fixed(fixed) for kind, fixed in FIXED.items()},
    v.Type.STRING_NAME: TEXTS.map(v.StringName),
    v.Type.NODE_PATH: st.builds(
        v.NodePath,
        st.lists(TEXTS, max_size=3).map(tuple),
        st.lists(TEXTS, max_size=3).map(tuple),
        st.booleans(),
    ),
    v.Type.RID: st.builds(v.RID, IDS),
    v.Type.CALLABLE: st.just(v.Callable()),
    v.Type.SIGNAL: st.builds(v.Signal, TEXTS, st.integers(0, (1 << 64) - 1)),
    v.Type.PACKED_BYTE_ARRAY: st.binary(max_size=9),
    v.Type.PACKED_STRING_ARRAY: st.lists(TEXTS, max_size=4).map(v.PackedStringArray),
    **{kind: _packed(cls) for kind, cls in PACKED.items()},
}
ANY_SCALAR = st.sampled_from(list(SCALARS)).flatmap(SCALARS.__getitem__)
#: Types a container can be declared to hold; not Object, since the engine re-encodes objects with other ids.
DECLARED = st.sampled_from([kind for kind in SCALARS if kind])


def _typed_array(kind: v.Type) -> st.SearchStrategy[Any]:
    return st.lists(SCALARS[kind], max_size=3).map(lambda items: v.Array(items, element_type=kind))


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pairs = st.lists(st.tuples(inner, inner), max_size=4)
    named = st.lists(st.tuples(TEXTS, inner), max_size=4)
    return st.one_of(
        st.lists(inner, max_size=4).map(v.Array), pairs.map(v.Dictionary), named.map(v.Dictionary)
    )


@st.composite
def _typed_dictionaries(draw: st.DrawFn) -> v.Dictionary:
    key, value = draw(st.none() | DECLARED), draw(st.none() | DECLARED)
    keys = SCALARS[key] if key is not None else ANY_SCALAR
    values = SCALARS[value] if value is not None else ANY_SCALAR
    pairs = draw(st.lists(st.tuples(keys, values), max_size=3))
    return v.Dictionary(pairs, key_type=key, value_type=value)


#: Nested values of every type but Object.
VALUES = st.recursive(
    st.one_of(ANY_SCALAR, DECLARED.flatmap(_typed_array), _typed_dictionaries()), _containers, max_leaves=8
)
