"""The payload column: what users see of it, and pandas' own conformance suite for extension arrays."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from pandas.tests.extension import base

from gdlab.payloads import PayloadArray, PayloadDtype

VALUES = [b"", b"\x00", b"text", b"\xff\xfe", b'a,b\n"c"', bytes(range(256)), b"text"]


def spread(values: list[bytes]) -> PayloadArray:
    """The same values from several arenas, with unused bytes between them and out of order."""
    order = list(range(len(values)))[::-1]
    arenas, addresses, base_address = [], np.zeros(len(values), np.int64), 0
    for start in range(0, len(order), 3):
        arena = bytearray(b"unused")
        for index in order[start : start + 3]:
            addresses[index] = base_address + len(arena)
            arena += values[index] + b"gap"
        arenas.append(np.frombuffer(bytes(arena), np.uint8))
        base_address += len(arena)
    return PayloadArray(arenas, addresses, np.array([len(value) for value in values], np.int64))


@pytest.fixture(params=["one arena", "spread"])
def payloads(request):
    return pd.array(VALUES, dtype="payload") if request.param == "one arena" else spread(VALUES)


def test_elements_are_the_bytes_that_went_in(payloads):
    assert list(payloads) == VALUES
    assert [payloads[i] for i in range(-len(VALUES), len(VALUES))] == VALUES * 2
    assert list(payloads[::-2]) == VALUES[::-2]
    assert list(payloads[np.array([True, False] * 3 + [True])]) == VALUES[::2]
    assert payloads.sizes.tolist() == [len(value) for value in VALUES]


@pytest.mark.parametrize("rows", [slice(None), slice(None, None, -1), [5, 0, 6, 1, 3], []])
def test_stretches_give_every_payload_once_where_it_lies(payloads, rows):
    column = payloads[rows]
    found = [None] * len(column)
    for arena, starts, some in column.stretches():
        for row, start, size in zip(range(len(column))[some], starts, column.sizes[some], strict=True):
            assert found[row] is None
            found[row] = arena[start : start + size].tobytes()
    assert found == list(column)


def test_contiguous_gives_every_payload_by_its_offsets(payloads):
    for column in (payloads, payloads[::-1], payloads[2:5], payloads[:0], payloads.take([5, 0, 5])):
        buffer, offsets = column.contiguous()
        assert [buffer[a:b].tobytes() for a, b in pairwise(offsets)] == list(column)


def test_a_few_rows_need_not_keep_the_bytes_of_all(payloads, monkeypatch):
    whole = pd.array([b"many bytes" * 100, *payloads], dtype="payload")
    for rows in ([1], [4, 2], [7, 0], [], [3, 3, 3]):
        few = whole.take(rows).compact()
        assert list(few) == list(whole.take(rows))
        assert len(pickle.dumps(few)) < 1000 + 2 * few.nbytes
    few = whole.take([2, -1, 3], allow_fill=True).compact()
    assert few.isna().tolist() == [False, True, False]
    assert few[2] == whole[3]
    monkeypatch.setattr("gdlab.payloads._AT_ONCE", 3)
    assert list(spread(VALUES)[::-1].compact()) == VALUES[::-1]
    buffer, offsets = payloads[::-1].contiguous()
    assert [buffer[a:b].tobytes() for a, b in pairwise(offsets)] == VALUES[::-1]


@pytest.mark.parametrize("start", [0, 1, 4])
@pytest.mark.parametrize("prefix", [b"", b"t", b"text", b"texts", b"\x00"])
def test_startswith_agrees_with_bytes(payloads, prefix, start):
    for column in (payloads, payloads.take([6, 1, 2, 3, 0])):
        wanted = [value.startswith(prefix, start) for value in column]
        assert column.startswith(prefix, start).tolist() == wanted


def test_comparing_finds_rows_and_never_equates_text_with_bytes(payloads):
    series = pd.Series(payloads)
    assert (series == b"text").tolist() == [value == b"text" for value in VALUES]
    assert (series == "text").sum() == 0
    assert (payloads == VALUES).all()
    assert (payloads != VALUES[::-1]).tolist() == [a != b for a, b in zip(VALUES, VALUES[::-1], strict=True)]
    with pytest.raises(ValueError, match="lengths differ"):
        payloads == VALUES[:2]  # noqa: B015


def test_payloads_cannot_be_overwritten(payloads):
    with pytest.raises(TypeError, match="never changed"):
        payloads[0] = b"forged"


def test_text_is_refused_with_the_row_and_the_way_out():
    with pytest.raises(TypeError, match=r"row 1.*encode"):
        pd.array([b"a", "b"], dtype="payload")


def test_survives_arrow_and_parquet(payloads, tmp_path):
    table = pd.DataFrame({"payload": payloads[1:].take([0, -1, 3], allow_fill=True)})
    table.to_parquet(tmp_path / "p.parquet")
    again = pd.read_parquet(tmp_path / "p.parquet").payload
    assert again.dtype == PayloadDtype()
    assert again[0] == VALUES[1]
    assert again.isna().tolist() == [False, True, False]


# ---- pandas' own suite. Its fixtures are named here; payloads cannot be set, so its tests of setting stay away.


@pytest.fixture
def dtype():
    return PayloadDtype()


@pytest.fixture
def data():
    return pd.array(
        [b"%d" % (i % 40) * (i % 7 + 1) for i in range(10 if int(pd.__version__[0]) > 2 else 100)],
        dtype="payload",
    )


@pytest.fixture
def data_missing():
    return pd.array([None, b"x"], dtype="payload")


@pytest.fixture
def data_for_sorting():
    return pd.array([b"b", b"c", b"a"], dtype="payload")


@pytest.fixture
def data_missing_for_sorting():
    return pd.array([b"b", None, b"a"], dtype="payload")


@pytest.fixture
def data_for_grouping():
    return pd.array([b"b", b"b", None, None, b"a", b"a", b"b", b"c"], dtype="payload")


@pytest.fixture
def na_value():
    return pd.NA


@pytest.fixture
def na_cmp():
    return lambda a, b: a is pd.NA and b is pd.NA


class TestDtype(base.BaseDtypeTests):
    pass


class TestInterface(base.BaseInterfaceTests):
    test_copy = test_view = test_contains = None  # these write into the column, or need pandas' own conftest


class TestConstructors(base.BaseConstructorsTests):
    test_series_constructor_scalar_with_index = None  # writes


class TestGetitem(base.BaseGetitemTests):
    test_getitem_propagates_readonly_property = None  # always read-only
    test_getitem_series_integer_with_missing_raises = None  # marked xfail by pandas itself


class TestCasting(base.BaseCastingTests):
    test_astype_object_series = test_astype_object_frame = None  # need pandas' own conftest
    test_astype_str = None  # pandas decodes bytes as UTF-8 there, as for an object column


class TestPrinting(base.BasePrintingTests):
    pass


class TestReshaping(base.BaseReshapingTests):
    test_ravel = test_transpose = test_transpose_frame = None


class TestIndex(base.BaseIndexTests):
    pass
