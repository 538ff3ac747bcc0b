"""TCP in captures of other programs: each byte once and in order, and what is no new byte is counted."""

import itertools
import random

import pytest

import gdlab as gd
from gdlab.errors import FramingError
from gdlab.files import load
from tests.files.packets import ACK, NS, RST, SYN, A, B, ethernet, ip4, ip6, pcap, tcp


def loaded(tmp_path, segments, link=101):
    path = tmp_path / "foreign.pcap"
    path.write_bytes(
        pcap([each if isinstance(each, tuple) else ip4(6, each) for each in segments], link=link)
    )
    return load(path)


def of(result, event="message"):
    return [bytes(row) for row in result.table.payload[result.table.event == event]]


def noted(result, words):
    return sum(int(note.split()[0]) for note in result.notes if words in note)


def segments(*pieces, first=1):
    """One segment for each piece, one behind the other."""
    made, at = [], first
    for piece in pieces:
        made.append(tcp(piece, seq=at))
        at += len(piece)
    return made


def test_a_segment_that_comes_twice_is_one_row(tmp_path):
    one, two = segments(b"one", b"two")
    result = loaded(tmp_path, [one, one, two, one, two])
    assert of(result) == [b"one", b"two"]
    assert noted(result, "repeat") == 3


def test_segments_out_of_order_stand_where_they_belong_at_the_time_they_could_be_read(tmp_path):
    one, two, three, four = segments(b"one", b"two", b"three", b"four")
    result = loaded(tmp_path, [tcp(seq=0, flags=SYN), one, four, three, two])
    assert of(result) == [b"one", b"two", b"three", b"four"]
    assert [time.value - NS for time in result.table.time] == [1_000_000, 4_000_000, 4_000_000, 4_000_000]
    assert noted(result, "out of order") == 2


def test_overlaps_give_each_byte_once(tmp_path):
    result = loaded(tmp_path, [tcp(b"abcd", seq=1), tcp(b"cdef", seq=3), tcp(b"abcdefgh", seq=1)])
    assert of(result) == [b"abcd", b"ef", b"gh"]


def test_a_keep_alive_is_no_data(tmp_path):
    result = loaded(tmp_path, [tcp(b"abcd", seq=1), tcp(b"\0", seq=4), tcp(b"ef", seq=5), tcp(b"", seq=6)])
    assert of(result) == [b"abcd", b"ef"]
    assert noted(result, "keep-alive") == 1


def test_a_stream_that_begins_in_the_middle(tmp_path):
    assert of(loaded(tmp_path, segments(b"abc", b"def", first=3_000_000_000))) == [b"abc", b"def"]
    one, two, three = segments(b"abc", b"def", b"ghi", first=3_000_000_000)
    result = loaded(tmp_path, [two, one, three])
    assert of(result) == [b"abc", b"def", b"ghi"]


@pytest.mark.parametrize("first", [2**32 - 5, 2**32 - 1, 2**31 - 3, 0])
def test_sequence_numbers_that_wrap(tmp_path, first):
    pieces = [bytes([65 + number]) * 3 for number in range(6)]
    one, two, three, four, five, six = segments(*pieces, first=first)
    for sent in ([one, two, three, four, five, six], [one, three, two, five, five, four, six]):
        assert of(loaded(tmp_path, [tcp(seq=first - 1, flags=SYN), *sent])) == pieces


def test_bytes_that_were_never_captured_are_a_gap(tmp_path):
    result = loaded(tmp_path, [tcp(b"abc", seq=1), tcp(b"xyz", seq=11), tcp(b"!", seq=14)])
    assert list(result.table.event) == ["message", "gap", "message", "message"]
    assert of(result) == [b"abc", b"xyz", b"!"]
    assert "7 bytes" in result.table.detail[1]


def test_bytes_behind_a_syn_that_were_never_captured_are_a_gap(tmp_path):
    result = loaded(
        tmp_path, [tcp(seq=0, flags=SYN), tcp(b"xyz", seq=11), tcp(b"!", seq=14), tcp(b"!", seq=14)]
    )
    assert list(result.table.event) == ["gap", "message", "message"]
    assert "10 bytes" in result.table.detail[0]


def test_data_in_a_reset_reaches_nobody(tmp_path):
    result = loaded(tmp_path, [tcp(b"abc", seq=1), tcp(b"go away", seq=4, flags=RST | ACK)])
    assert of(result) == [b"abc"]
    assert noted(result, "TCP reset carries bytes") == 1


def test_data_in_a_syn_is_the_beginning(tmp_path):
    for more in ([], [tcp(b"f", seq=6)]):
        result = loaded(tmp_path, [tcp(b"abc", seq=0, flags=SYN), tcp(b"de", seq=4), *more, *more])
        assert of(result) == [b"abc", b"de", *[b"f"] * bool(more)]


def test_a_repeated_syn_that_is_answered_with_another_number_changes_nothing(tmp_path):
    def back(content, seq, flags=ACK):
        return ip4(6, tcp(content, seq=seq, ack=100, flags=flags, source=80, target=5001), B, A)

    sent = [tcp(seq=99, flags=SYN), tcp(seq=99, flags=SYN)]
    answers = [back(b"", 500, SYN | ACK), back(b"", 9_000, SYN | ACK), back(b"one", 501), back(b"two", 504)]
    path = tmp_path / "two-answers.pcap"
    path.write_bytes(pcap([ethernet(each) for each in (*(ip4(6, one) for one in sent), *answers)]))
    table = load(path).table
    assert list(table.payload) == [b"one", b"two"]
    assert set(table.event) == {"message"}


def test_a_second_connection_between_the_same_ports_is_one_of_its_own(tmp_path):
    first = [tcp(seq=99, flags=SYN), tcp(b"one", seq=100)]
    second = [tcp(seq=4_000_000_000, flags=SYN), tcp(b"two", seq=4_000_000_001)]
    result = loaded(tmp_path, first + second)
    assert of(result) == [b"one", b"two"]
    assert of(loaded(tmp_path, first[:1] + first + second)) == [b"one", b"two"]


def test_a_segment_far_outside_does_not_blind_the_stream(tmp_path):
    one, two, three = segments(b"one", b"two", b"three")
    result = loaded(tmp_path, [one, tcp(b"evil", seq=900_000_000), two, three])
    assert of(result) == [b"one", b"two", b"three"]
    assert noted(result, "far outside") == 1
    result = loaded(tmp_path, [one, tcp(b"far", seq=900_000_000), tcp(b"on", seq=900_000_003)])
    assert of(result) == [b"one", b"far", b"on"]
    assert list(result.table.event) == ["message", "gap", "message", "message"]


def test_segments_cut_off_by_the_capture_are_errors_and_the_stream_goes_on(tmp_path):
    packets = [ip4(6, tcp(b"abcdef", seq=1)), ip4(6, tcp(b"ghijkl", seq=7)), ip4(6, tcp(b"mn", seq=13))]
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap([(each[:43], len(each)) for each in packets], link=101))
    result = load(path)
    assert list(result.table.event) == ["error", "error", "message"]
    assert of(result, "error") == [b"abc", b"ghi"]


def test_both_directions_and_ipv6_and_talking_to_oneself(tmp_path):
    here, there = (
        ip6(6, tcp(b"ask", seq=1)),
        ip6(6, tcp(b"answer", 80, 5001, seq=9), bytes(15) + b"\x0b", bytes(15) + b"\x0a"),
    )
    path = tmp_path / "six.pcap"
    path.write_bytes(pcap([ethernet(here), ethernet(there), ethernet(here)]))
    table = load(path).table
    assert list(table.direction) == ["in", "out"]
    assert set(table.endpoint) == {"tcp://[::b]:80"}
    path.write_bytes(
        pcap([ip4(6, tcp(b"me", 7, 7, seq=1), A, A), ip4(6, tcp(b"too", 7, 7, seq=3), A, A)], link=101)
    )
    assert [bytes(each) for each in load(path).table.payload] == [b"me", b"too"]


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_network_does_the_stream_is_the_stream(tmp_path, seed):
    """Cut anywhere, repeated, overlapping, shuffled: the rows together are what was sent, from any first number."""
    dice = random.Random(seed)
    sent = dice.randbytes(dice.randint(1, 3000))
    first = dice.choice([0, 1, 2**31 - 700, 2**32 - 1000, dice.getrandbits(32)])
    cuts = sorted({0, len(sent), *(dice.randrange(len(sent)) for _ in range(dice.randint(0, 20)))})
    pieces = [(begin, end) for begin, end in itertools.pairwise(cuts)]
    for _ in range(dice.randint(0, 10)):
        begin = dice.randrange(len(sent))
        pieces.append((begin, min(len(sent), begin + dice.randint(1, 400))))
    dice.shuffle(pieces)
    result = loaded(
        tmp_path,
        [tcp(seq=first - 1, flags=SYN), *(tcp(sent[begin:end], seq=first + begin) for begin, end in pieces)],
    )
    assert b"".join(of(result)) == sent
    assert set(result.table.event) == {"message"}
    told = noted(result, "repeat") + noted(result, "keep-alive")
    assert told + len(result.table) == len(pieces)


def test_the_side_that_listens_is_known_from_the_answer_alone(tmp_path):
    packets = [
        ip4(6, tcp(seq=5, ack=9, flags=SYN | ACK, source=80, target=5001), B, A),
        ip4(6, tcp(b"x", seq=9)),
    ]
    path = tmp_path / "half.pcap"
    path.write_bytes(pcap(packets, link=101))
    assert list(load(path).table.endpoint) == ["tcp://10.0.0.2:80"]


def both_ways(parts, replies=()):
    """Segments of a client, and answers to them, on one connection."""
    seq, ack = 1, 1
    made = [tcp(seq=0, flags=SYN)]
    packets = [ethernet(ip4(6, each)) for each in made]
    for part in parts:
        packets.append(ethernet(ip4(6, tcp(part, seq=seq, ack=ack))))
        seq += len(part)
    for part in replies:
        packets.append(ethernet(ip4(6, tcp(part, seq=ack, ack=seq, source=80, target=5001), B, A)))
        ack += len(part)
    return packets


def test_a_stream_is_cut_into_messages_as_it_is_loaded(tmp_path):
    path = tmp_path / "lines.pcap"
    path.write_bytes(pcap(both_ways([b"one\ntw", b"o\nthree\n"], [b"y", b"es\nno\n"])))
    table = gd.load(path, framing="lines").df
    told = [(str(row.direction), row.payload) for row in table.itertuples() if row.event == "message"]
    assert told == [("in", b"one"), ("in", b"two"), ("in", b"three"), ("out", b"yes"), ("out", b"no")]
    assert set(table.framing) == {"lines"} or all(word.startswith("lines") for word in table.framing)
    raw = gd.load(path)
    assert list(raw.df.payload) == [b"one\ntw", b"o\nthree\n", b"y", b"es\nno\n"]
    assert list(raw.reframe("lines").df.payload) == list(table.payload)


def test_behind_a_hole_messages_begin_anew(tmp_path):
    packets = both_ways([b"one\ntwo\nbro", b"ken\nlost\n", b"four\n"])
    del packets[2]
    path = tmp_path / "hole.pcap"
    path.write_bytes(pcap(packets))
    table = gd.load(path, framing="lines").df
    assert list(table.payload[table.event == "message"]) == [b"one", b"two", b"four"]
    assert "gap" in set(table.event)


def test_an_unknown_framing_is_refused_in_words(tmp_path):
    path = tmp_path / "lines.pcap"
    path.write_bytes(pcap(both_ways([b"one\n"])))
    with pytest.raises(FramingError, match="put_var"):
        gd.load(path, framing="nonsense")
