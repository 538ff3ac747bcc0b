"""Single messages are read as the table of the whole capture reads them."""

import struct

import pytest

import gdlab as gd
from gdlab.codecs import chosen
from gdlab.live.judgement import Judgement
from gdlab.live.rows import last_rows
from gdlab.messages import Kind
from gdlab.payloads import PayloadArray
from gdlab.store import Store, table
from gdlab.variant import dumps

NS = 1_767_225_600_000_000_000
NUMBERED = [struct.pack("<If", number, number / 2) for number in range(60)]


def filled(payloads, endpoint="udp://127.0.0.1:1", kinds=None):
    store = Store(endpoint)
    for number, payload in enumerate(payloads):
        kind = Kind.BINARY if kinds is None else kinds[number]
        store.append(NS + number, store.peer_code("p"), payload, kind=kind)
    return store


def read(judgement, store):
    judgement.follow([store.snapshot()])
    return list(judgement.decode(last_rows(store.snapshot(), 1000)).names)


@pytest.mark.parametrize(
    ("payloads", "endpoint", "kinds"),
    [
        (NUMBERED, "udp://127.0.0.1:1", None),
        ([*NUMBERED[:40], *[dumps({"seq": n}) for n in range(40)]], "tcp://127.0.0.1:1", None),
        (
            [b"12", b"12", b"\n", b"a\0b"],
            "ws://127.0.0.1:1",
            [Kind.TEXT, Kind.BINARY, Kind.BINARY, Kind.TEXT],
        ),
    ],
)
def test_a_row_has_the_codec_that_the_table_gives_it(payloads, endpoint, kinds):
    store = filled(payloads, endpoint, kinds)
    wanted = gd.codecs.decode(table.build([store.snapshot()])).codec.tolist()
    assert read(Judgement(chosen("auto")), store) == wanted
    judgement = Judgement(chosen("auto"))
    judgement.follow([store.snapshot()])
    one_by_one = [judgement.of(row) for row in last_rows(store.snapshot(), 1000)]
    found = [
        codec.decode_column(PayloadArray._from_sequence([payload])).names[0]
        for codec, payload in zip(one_by_one, payloads, strict=True)
    ]
    assert found == wanted


def test_it_tells_when_what_has_come_changes_the_judgement():
    store, judgement = filled(NUMBERED[1:4]), Judgement(chosen("auto"))
    assert set(read(judgement, store)) == {"auto:variant"}
    for payload in NUMBERED[4:]:
        store.append(NS, 0, payload)
    assert judgement.follow([store.snapshot()])
    assert not judgement.follow([store.snapshot()])
    assert set(read(judgement, store)) == {"auto:bytes"}


def test_rows_that_were_taken_back_are_forgotten():
    store, judgement = Store("tcp://127.0.0.1:1"), Judgement(chosen("auto"))
    for payload in NUMBERED:
        store.append(NS, 0, payload, word="u8")
    judgement.follow([store.snapshot()])
    store.withdraw()
    store.append(NS, 0, dumps(7), word="raw")
    assert read(judgement, store) == ["auto:variant"]


def test_a_codec_that_was_named_is_used_as_it_is():
    store, judgement = filled(NUMBERED), Judgement(chosen("<I number, f x"))
    assert set(read(judgement, store)) == {"struct"}
    guessed = judgement.guess_of(last_rows(store.snapshot(), 60)[2])
    assert guessed.decode_column(PayloadArray._from_sequence([NUMBERED[2]])).names[0] == "auto:bytes"
