"""WebSocket inside captured TCP: messages, their kinds, closes, compression, and what breaks them."""

import zlib

import pytest

from gdlab.files import load
from tests.files.packets import SYN, A, B, frame, ip4, pcap, switching, tcp, upgrade

MASK = b"abcd"


def talk(tmp_path, up=b"", down=b"", *, path=b"/", asked=b"", agreed=b"", size=1000, handshake=True):
    """A connection whose two sides send these bytes after the handshake, in segments of a size."""
    packets = [ip4(6, tcp(seq=0, flags=SYN))]
    position = [1, 1]
    for mine, sent in (
        (0, upgrade(path, asked)),
        (1, switching(agreed) if handshake else b""),
        (0, up),
        (1, down),
    ):
        for start in range(0, len(sent), size):
            piece = sent[start : start + size]
            ports, hosts = ((5001, 80), (A, B)) if mine == 0 else ((80, 5001), (B, A))
            packets.append(ip4(6, tcp(piece, *ports, seq=position[mine]), *hosts))
            position[mine] += len(piece)
    file = tmp_path / "talk.pcap"
    file.write_bytes(pcap(packets, link=101))
    return load(file)


def messages(result):
    table = result.table[result.table.event == "message"]
    return list(zip(table.direction, table.kind, (bytes(each) for each in table.payload), strict=True))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_messages_of_both_sides_with_their_kinds(tmp_path, size):
    up = frame(b"hello", 1, MASK) + frame(b"\0\1", 2, MASK) + frame(b"", 1, MASK)
    down = frame(b"x" * 300, 1) + frame(b"y" * 70_000 if size > 1 else b"y" * 200, 2)
    result = talk(tmp_path, up, down, path=b"/game", size=size)
    found = messages(result)
    assert found[:3] == [("in", "text", b"hello"), ("in", "binary", b"\0\1"), ("in", "text", b"")]
    assert [each[:2] for each in found[3:]] == [("out", "text"), ("out", "binary")]
    assert found[3][2] == b"x" * 300
    assert set(result.table.endpoint) == {"ws://10.0.0.2:80/game"}
    assert result.table.event[0] == "open"


def test_the_times_are_those_of_the_last_byte(tmp_path):
    result = talk(tmp_path, frame(b"0123456789", 1, MASK), size=10)
    times = result.table.time
    assert times.is_monotonic_increasing
    assert times.iloc[-1] > times.iloc[0]


def test_parts_of_a_message_with_a_ping_between(tmp_path):
    up = frame(b"one ", 1, MASK, fin=False) + frame(b"hi", 9, MASK) + frame(b"two", 0, MASK)
    result = talk(tmp_path, up)
    assert messages(result) == [("in", "text", b"one two")]
    assert any("pings and pongs" in note for note in result.notes)


def test_closes_have_their_code_and_words(tmp_path):
    result = talk(tmp_path, frame(b"\x03\xe8bye", 8, MASK), frame(b"\x0f\xa0", 8) + b"")
    closes = result.table[result.table.event == "close"]
    assert sorted(closes.detail) == ["1000 bye", "4000"]


@pytest.mark.parametrize("takeover", [True, False])
def test_compressed_messages(tmp_path, takeover):
    extension = b"Sec-WebSocket-Extensions: permessage-deflate" + (
        b"" if takeover else b"; client_no_context_takeover"
    )
    sent = [b"hello hello hello", b"hello hello hello again"]
    packer = zlib.compressobj(wbits=-15)
    frames = b""
    for message in sent:
        if not takeover:
            packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        frames += frame(packed[:-4], 1, MASK, reserved=0x40)
    result = talk(tmp_path, frames, asked=extension + b"\r\n", agreed=extension + b"\r\n")
    assert [each[2] for each in messages(result)] == sent


def test_what_breaks_the_protocol_is_an_error_with_the_bytes(tmp_path):
    for broken in (
        frame(b"x", 3, MASK),
        frame(b"x", 0, MASK),
        frame(b"x", 1, MASK, reserved=0x40),
        frame(b"a", 1, MASK, fin=False) + frame(b"b", 1, MASK),
        b"\x82\xff" + b"\xff" * 8 + b"abcd",
    ):
        result = talk(tmp_path, frame(b"before", 1, MASK) + broken, frame(b"down", 1))
        assert [each[2] for each in messages(result)] == [b"before", b"down"]
        (error,) = result.table[result.table.event == "error"].detail
        assert "cannot be read" in error


@pytest.mark.slow
def test_a_compressed_bomb_is_an_error(tmp_path):
    extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(80 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)
    result = talk(
        tmp_path, frame(packed[:-4], 2, MASK, reserved=0x40), asked=extension, agreed=extension, size=1400
    )
    assert [*result.table.event] == ["open", "error"]
    assert "unpacks to more" in result.table.detail[1]


def test_bytes_that_were_not_captured_end_the_messages_of_that_side(tmp_path):
    up = upgrade() + frame(b"one", 1, MASK)
    packets = [
        tcp(up, seq=1),
        tcp(frame(b"later", 1, MASK), seq=1 + len(up) + 9),
    ]
    down = tcp(switching() + frame(b"down", 1), 80, 5001, seq=1)
    file = tmp_path / "gap.pcap"
    file.write_bytes(pcap([ip4(6, packets[0]), ip4(6, down, B, A), ip4(6, packets[1])], link=101))
    result = load(file)
    assert [each[2] for each in messages(result)] == [b"one", b"down"]
    assert "9 bytes were not captured" in result.table.detail[result.table.event == "error"].iloc[0]


def test_a_refused_upgrade_stays_tcp(tmp_path):
    result = talk(tmp_path, b"", b"HTTP/1.1 403 Forbidden\r\n\r\n", handshake=False)
    assert set(result.table.endpoint) == {"tcp://10.0.0.2:80"}
    assert set(result.table.event) == {"message"}


def test_a_capture_of_the_client_alone(tmp_path):
    result = talk(tmp_path, frame(b"hello", 1, MASK), handshake=False)
    assert messages(result) == [("in", "text", b"hello")]


def test_a_message_without_an_end_is_counted(tmp_path):
    result = talk(tmp_path, frame(b"hello", 1, MASK)[:-1])
    assert messages(result) == []
    assert "1 WebSocket message has no end" in result.notes
