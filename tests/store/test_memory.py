"""Memory of blocks: used again when nobody looks at it any more, and not before."""

import gc
import random

import numpy as np
import pytest

from gdlab.store import Limit, Store, memory, table

NS = 1_700_000_000_000_000_000
MIB = 1 << 20

pytestmark = pytest.mark.skipif(memory._ADVICE is None, reason="this system has no large pages to ask for")


@pytest.fixture(autouse=True)
def nothing_kept():
    gc.freeze()  # what other tests have left is not given back meanwhile
    memory._Piece.kept.clear()
    yield
    memory._Piece.kept.clear()
    gc.unfreeze()


def kept_bytes() -> int:
    return sum(size * len(pieces) for size, pieces in memory._Piece.kept.items())


def test_memory_is_taken_again_when_the_last_array_over_it_is_gone():
    first, blank = memory.taken(3 * MIB, filled=True)
    assert blank
    assert len(first) == 3 * MIB
    assert not first.any()
    first[:] = 7
    view, place = first[MIB:][::2].view(), first.ctypes.data
    del first
    assert kept_bytes() == 0
    other, blank = memory.taken(3 * MIB, filled=True)
    assert blank
    other[:] = 8
    assert (view == 7).all()
    del view
    assert kept_bytes() == 4 * MIB
    again, blank = memory.taken(4 * MIB, filled=True)
    assert not blank
    assert again.ctypes.data == place
    assert len(again) == 4 * MIB
    again[:] = 9
    assert (other == 8).all()


def test_no_more_is_kept_than_is_said():
    arrays = [memory.taken(16 * MIB, filled=True)[0] for _ in range(6)]
    del arrays
    assert kept_bytes() == memory.KEPT_BYTES


def test_little_memory_is_that_of_numpy():
    small, blank = memory.taken(1000, filled=True)
    assert blank
    assert not small.any()
    del small
    assert kept_bytes() == 0


@pytest.mark.parametrize("first", [True, False])
def test_memory_is_used_again_whether_or_not_it_may_be_filled(first):
    held = [memory.taken(3 * MIB, filled=first)[0]]
    held[0][:] = 7
    place = held.pop().ctypes.data
    assert kept_bytes() == 4 * MIB
    again, blank = memory.taken(3 * MIB, filled=not first)
    assert again.ctypes.data == place
    assert not blank
    assert kept_bytes() == 0


def write(store: Store, draw: random.Random, messages: int, first: int) -> list[bytes]:
    payloads = [draw.randbytes(draw.randrange(20, 200)) for _ in range(messages)]
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    store.extend(
        np.arange(first, first + messages) + NS,
        np.zeros(messages, np.int32),
        sizes,
        np.frombuffer(b"".join(payloads), np.uint8),
        sizes + 28,
        np.ones(messages, np.int8),
        word="u32le" if draw.randrange(2) else "",
    )
    return payloads


@pytest.mark.slow
def test_tables_stay_what_they_were_while_blocks_go_and_their_memory_is_written_anew():
    """A store at its bound, whose readers keep some of their tables."""
    draw = random.Random(1)
    limit = Limit(bytes=32 * MIB)
    store, written, tables = Store("e", limit), [], []
    words: list[str] = []
    for number in range(600):
        written += write(store, draw, 1000, len(written))
        if number % 40 == 0:
            built = table.build([store.snapshot()])
            built = built[built.event == "message"]
            words = list(built.framing)
            tables.append((len(written), built, words))
        if len(tables) > 4:
            tables.pop(draw.randrange(4))
    assert store.statistics().evicted_rows > 400_000
    assert kept_bytes() <= memory.KEPT_BYTES
    for end, built, words in tables:
        assert list(built.payload) == written[end - len(built) : end]
        assert list(built.framing) == words
        assert built.detail.isna().all() or (built.detail == "").all()


def test_the_memory_of_a_store_that_nobody_has_is_there_for_the_next():
    draw = random.Random(2)
    store = Store("e")
    for number in range(140):
        write(store, draw, 1000, number * 1000)
    assert kept_bytes() == 0
    del store
    assert kept_bytes() > 0
