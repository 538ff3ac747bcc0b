"""A stream read again in another framing: the same messages and times as if it had been named from the start."""

import itertools
import socket
import struct

import numpy as np
import pytest

import gdlab
from gdlab import framing, variant
from gdlab.errors import FramingError
from tests.some import some
from tests.waiting import wait_until

MESSAGES = [b"%d" % number * (number % 7 + 1) for number in range(40)]


def connect(capture):
    return socket.create_connection(("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))


def sent_in_pieces(capture, wire, cuts):
    """Send bytes piece by piece, each of which is a read of its own."""
    with connect(capture) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = 0
        for cut in (*cuts, len(wire)):
            sock.sendall(wire[at:cut])
            at = cut
            wait_until(lambda at=at: arrived(capture) == at)
    wait_until(lambda: "close" in set(capture.df.event))


def arrived(capture):
    """Bytes of a stream that is kept raw."""
    return sum(map(len, messages(capture.df)[0]))


def messages(table):
    rows = table[(table.event == "message") & (table.direction == "in")]
    return list(rows.payload), rows.time.astype(np.int64).tolist()


def reads_of(table):
    """The reads behind rows that were kept raw."""
    rows = table[(table.event == "message") & (table.direction == "in")]
    return list(zip(rows.payload, rows.time.astype(np.int64), strict=True))


def as_if_named(reads, name):
    """What a reader of this framing makes of these reads."""
    reader = framing.StreamReader(name)
    payloads, times = [], []
    for data, time_ns in reads:
        for batch in reader.receive(data, time_ns).batches:
            payloads += [frame.payload for frame in batch.frames]
            times += [batch.time_ns] * len(batch.frames)
    return payloads, times


@pytest.fixture(scope="module")
def recorded():
    wire = b"".join(framing.encode("u32be", payload) for payload in MESSAGES)
    with gdlab.listen("tcp://127.0.0.1:0", framing="raw") as capture:
        sent_in_pieces(capture, wire, [1, 5, 6, 30, 31, 100, 101, 102, 103, 140])
    return capture, reads_of(capture.df)


@pytest.fixture
def raw_capture(recorded):
    """The capture as it was recorded, whatever the test before has read it as."""
    capture, reads = recorded
    assert reads_of(capture.reframe("raw").df) == reads
    return capture


def test_what_was_recorded_raw_has_the_messages_and_the_times_of_the_reads(raw_capture):
    reads = reads_of(raw_capture.df)
    assert len(reads) == 11
    payloads, times = as_if_named(reads, "u32be")
    assert payloads == MESSAGES
    raw_capture.reframe("u32be")
    assert messages(raw_capture.df) == (payloads, times)
    assert raw_capture.statistics().received == len(MESSAGES)
    assert raw_capture.reframe("raw") is raw_capture
    assert reads_of(raw_capture.df) == reads
    with pytest.raises(FramingError, match="no framing is called"):
        raw_capture.reframe("u33be")


WRONG = ["raw", "auto", "lines", "u16le", "json", "fixed:7", "varint"]
FORMS = ["csv", "parquet", "pcapng", "spill", "memory"]


@pytest.mark.parametrize(("wrong", "form"), some(itertools.product(WRONG, FORMS), every=6, several=True))
def test_what_was_recorded_wrongly_is_read_right_from_every_file(raw_capture, wrong, form, tmp_path):
    reads = reads_of(raw_capture.df)
    wanted = as_if_named(reads, "u32be")
    capture = raw_capture.reframe(wrong)
    if form == "memory":
        assert messages(capture.reframe("u32be").df) == wanted
        return
    path = tmp_path / f"run.{form}"
    if form == "spill":
        from gdlab.files import Spill

        with Spill(path) as spill:
            spill.add(capture._life.stores[0])
    else:
        getattr(capture, f"to_{form}")(path)
    recording = gdlab.load(path)
    assert messages(recording.reframe("u32be").df) == wanted
    others = raw_capture.df[raw_capture.df.framing == ""]
    kept = recording.df[recording.df.framing == ""]
    assert kept.event.tolist() == others.event.tolist()


def test_a_running_capture_goes_on_in_the_new_framing_and_answers_nothing_twice():
    with gdlab.listen("tcp://127.0.0.1:0", framing="raw", reply=b"yes") as capture, connect(capture) as sock:
        sock.sendall(framing.encode("u32le", b"one") + framing.encode("u32le", b"two")[:5])
        assert sock.recv(3) == b"yes"
        capture.reframe("u32le")
        wait_until(lambda: messages(capture.df)[0] == [b"one"])
        sock.sendall(framing.encode("u32le", b"two")[5:])
        assert sock.recv(100) == framing.encode("u32le", b"yes")
        assert messages(capture.df)[0] == [b"one", b"two"]
        assert capture.statistics().sent == 2


def test_a_guess_that_fails_late_is_taken_back_without_a_loss():
    good = [variant.dumps({"seq": n, "name": "player"}) for n in range(300)]
    wire = b"".join(framing.encode("put_var", payload) for payload in good)
    with gdlab.listen("tcp://127.0.0.1:0") as capture, connect(capture) as sock:
        sock.sendall(wire)
        wait_until(lambda: capture.statistics().received == 300)
        sock.sendall(b"\xff" * 40)
        wait_until(
            lambda: capture.df.reason.eq("framing_guessed").any() and "failed" in capture.df.detail.sum()
        )
        assert capture.statistics().connections == 1
        sock.sendall(b"more")
        wait_until(lambda: b"".join(messages(capture.df)[0]) == wire + b"\xff" * 40 + b"more")
        assert not (capture.df.event == "error").any()
        capture.reframe("put_var")
        assert messages(capture.df)[0][:300] == good


def test_several_connections_and_those_that_have_ended_are_read_again():
    with gdlab.listen("tcp://127.0.0.1:0", framing="raw") as capture:
        for number in range(3):
            with connect(capture) as sock:
                sock.sendall(struct.pack("<B", 3) + b"a%d." % number)
            wait_until(lambda n=number: (capture.df.event == "close").sum() == n + 1)
        with connect(capture) as going_on:
            going_on.sendall(b"\3a3")
            wait_until(lambda: capture.statistics().received == 4)
            capture.reframe("u8")
            assert messages(capture.df)[0] == [b"a0.", b"a1.", b"a2."]
            going_on.sendall(b".")
            wait_until(lambda: messages(capture.df)[0][-1] == b"a3.")
        assert capture.df.time.is_monotonic_increasing
