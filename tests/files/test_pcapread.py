"""Captures of other programs: their UDP and TCP payloads come out, and no file, whatever is in it, does harm."""

import contextlib
import shutil
import struct
import subprocess
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import fuzz_files, tshark
from gdlab.errors import LoadError
from gdlab.files import load, write_pcapng
from gdlab.files.packets.ip import Segment, dissect
from tests.files.tables import table_of
from tests.waiting import limit

NS = 1_700_000_000_123_456_789
US = NS // 1000 * 1000
EDITCAP = shutil.which("editcap")

IPV4 = struct.Struct(">BBHHHBBH4s4s")
A, B = b"\x0a\0\0\1", b"\x0a\0\0\2"
A6, B6 = bytes(15) + b"\x0a", bytes(15) + b"\x0b"


def ipv4(protocol, content, source=A, target=B, fragment=0, options=b""):
    head = IPV4.pack(
        0x45 + len(options) // 4,
        0,
        20 + len(options) + len(content),
        0,
        fragment,
        64,
        protocol,
        0,
        source,
        target,
    )
    return head + options + content


def ipv6(protocol, content, source=A6, target=B6):
    return struct.pack(">IHBB", 6 << 28, len(content), protocol, 64) + source + target + content


def udp(payload, source=5001, target=4242):
    return struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload


def tcp(payload, source=5001, target=80, flags=0x18):
    return struct.pack(">HHIIBBHHH", source, target, 1, 1, 5 << 4, flags, 65535, 0, 0) + payload


def ethernet(ip, ether_type=None):
    return bytes(12) + (ether_type or (b"\x08\0" if ip[0] >> 4 == 4 else b"\x86\xdd")) + ip


def pcap(packets, link=1, order="<", nanoseconds=False, time_ns=NS):
    """A pcap file; a packet is bytes, or bytes and its length on the wire."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)]
    for number, packet in enumerate(packets):
        packet, length = packet if isinstance(packet, tuple) else (packet, len(packet))
        seconds, fraction = divmod(time_ns + number * 1000, 10**9)
        out.append(
            struct.pack(
                order + "IIII", seconds, fraction if nanoseconds else fraction // 1000, len(packet), length
            )
        )
        out.append(packet)
    return b"".join(out)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def options(order, *pairs):
    return b"".join(
        struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in (*pairs, (0, b""))
    )


def pcapng(packets, link=1, order="<", resolution=None, ticks=NS // 1000, offset=None, blocks=b""):
    interface = [(9, resolution)] * (resolution is not None)
    interface += [(14, struct.pack(order + "q", offset or 0))] * (offset is not None)
    out = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options(order, *interface)) + blocks
    for packet, *more in packets:
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        out += block(order, 6, head + packet + bytes(-len(packet) % 4) + options(order, *more))
    return out


def loaded(tmp_path, content):
    path = tmp_path / "foreign.pcap"
    path.write_bytes(content)
    return load(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_byte_order_and_resolution(tmp_path, order, nanoseconds):
    packets = [ethernet(ipv4(17, udp(b"hello"))), ethernet(ipv4(17, udp(b"answer", 4242, 5001), B, A))]
    table = loaded(tmp_path, pcap(packets, order=order, nanoseconds=nanoseconds)).table
    assert [time.value for time in table.time] == [(NS if nanoseconds else US) + step for step in (0, 1000)]
    assert table.drop(columns="time").to_dict("records") == [
        {
            "time_source": "kernel",
            "endpoint": "udp://10.0.0.2:4242",
            "peer": "10.0.0.1:5001",
            "direction": direction,
            "event": "message",
            "kind": "text",
            "framing": "",
            "size_bytes": len(payload),
            "wire_bytes": len(payload) + 28,
            "payload": payload,
            "reason": "",
            "by": "",
            "code": None,
            "count": None,
            "detail": "",
        }
        for payload, direction in ((b"hello", "in"), (b"answer", "out"))
    ]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("resolution", "ticks", "offset", "expected"),
    [
        (None, NS // 1000, None, US),
        (b"\x09", NS, None, NS),
        (b"\x03", NS // 10**6, None, NS // 10**6 * 10**6),
        (b"\x8a", (NS // 10**9) << 10 | 512, None, NS // 10**9 * 10**9 + 500_000_000),
        (b"\x06", 5, 1_700_000_000, 1_700_000_000_000_005_000),
        (b"\x00", 2**64 - 1, None, 2**63 - 1),
        (b"\xff", 2**64 - 1, None, (2**64 - 1) * 10**9 >> 63),
        (b"\x09", 0, -(2**63), 0),
    ],
)
def test_pcapng_of_either_byte_order_and_any_resolution(tmp_path, order, resolution, ticks, offset, expected):
    file = pcapng([[ethernet(ipv4(17, udp(b"x")))]], 1, order, resolution, ticks, offset)
    result = loaded(tmp_path, file)
    assert result.table.time[0].value == expected
    assert bool(result.notes) == (expected in (0, 2**63 - 1))


V4, V6 = ipv4(17, udp(b"payload")), ipv6(17, udp(b"payload"))


@pytest.mark.parametrize(
    ("link", "packet"),
    [
        (1, ethernet(V4)),
        (1, ethernet(V6)),
        (1, ethernet(V4) + bytes(18)),  # padded to the smallest frame
        (1, ethernet(b"\0\1\x08\0" + V4, b"\x81\0")),  # VLAN
        (1, ethernet(b"\0\1\x81\0\0\2\x86\xdd" + V6, b"\x88\xa8")),  # two
        (101, V4),
        (101, V6),
        (12, V4),
        (228, V4),
        (229, V6),
        (113, bytes(14) + b"\x08\0" + V4),
        (276, b"\x86\xdd" + bytes(18) + V6),
        (0, struct.pack("<I", 2) + V4),
        (0, struct.pack(">I", 30) + V6),
        (108, struct.pack(">I", 24) + V6),
        (101, ipv4(17, udp(b"payload"), options=bytes(8))),
        (101, ipv6(0, b"\x11\0" + bytes(6) + udp(b"payload"))),  # hop-by-hop options
        (101, ipv6(60, b"\x2b\1" + bytes(14) + b"\x11\0" + bytes(6) + udp(b"payload"))),
        (101, ipv4(6, tcp(b"payload"))),
        (101, ipv6(6, tcp(b"payload"))),
    ],
)
def test_link_types_and_headers(tmp_path, link, packet):
    result = loaded(tmp_path, pcap([packet], link=link))
    assert list(result.table.payload) == [b"payload"]
    assert result.notes == ()
    assert result.table.peer[0] in ("10.0.0.1:5001", "[::a]:5001")


@pytest.mark.parametrize(
    ("link", "packet", "said"),
    [
        (1, ethernet(b"\0\1", b"\x08\6"), "not IP"),
        (101, ipv4(1, bytes(8)), "neither UDP nor TCP"),
        (101, ipv4(17, udp(b"x" * 8), fragment=0x2000), "fragments"),
        (101, ipv6(44, b"\x11\0\0\1" + bytes(4) + udp(b"x")), "fragments"),
        (101, ipv4(6, tcp(b"")), "TCP without a payload"),
        (105, b"\x80" + bytes(40), "Wi-Fi management"),
        (77, b"\x08", "link type 77"),
        (101, V4[:22], "cut off"),
        (101, b"", "cut off"),
        (101, bytes(60), "not IP"),
        (101, b"\x41" + V4[1:], "damaged IP"),
        (101, ipv4(6, tcp(b"x").replace(b"\x50\x18", b"\x10\x18")), "damaged TCP"),
    ],
)
def test_what_is_no_payload_is_counted_in_the_notes(tmp_path, link, packet, said):
    result = loaded(tmp_path, pcap([packet, packet], link=link))
    assert len(result.table) == 0
    assert result.notes[0].startswith("2 packets were left out")
    assert said in result.notes[0]


def test_a_payload_that_was_captured_in_part_is_an_error_row(tmp_path):
    (row,) = loaded(tmp_path, pcap([(V4[:31], len(V4))], link=101)).table.to_dict("records")
    assert (row["event"], row["payload"], row["size_bytes"]) == ("error", b"pay", 3)
    assert row["detail"] == "4 bytes of the payload were not captured"


def test_the_endpoint_of_tcp_is_the_side_that_was_connected_to(tmp_path):
    packets = [
        ipv4(6, tcp(b"", 80, 5001, flags=0x12), B, A),  # SYN and ACK come from the one that listens
        ipv4(6, tcp(b"banner", 80, 5001), B, A),
        ipv4(6, tcp(b"request", 5001, 80)),
    ]
    table = loaded(tmp_path, pcap(packets, link=101)).table
    assert set(table.endpoint) == {"tcp://10.0.0.2:80"}
    assert list(table.direction) == ["out", "in"]


def test_directions_that_the_file_tells_are_believed(tmp_path):
    flagged = [[ethernet(V4), (2, struct.pack("<I", flag))] for flag in (1, 2)]
    assert list(loaded(tmp_path, pcapng(flagged)).table.direction) == ["in", "out"]
    cooked = [struct.pack(">H12xH", kind, 0x0800) + V4 for kind in (0, 4)]
    assert list(loaded(tmp_path, pcap(cooked, link=113)).table.direction) == ["in", "out"]


def test_a_conversation_on_loopback_has_one_endpoint_whatever_the_link_layer_says(tmp_path):
    home = b"\x7f\0\0\1"
    packets = [ipv4(17, udp(b"ping"), home, home), ipv4(17, udp(b"pong", 4242, 5001), home, home)]
    table = loaded(tmp_path, pcap([bytes(14) + b"\x08\0" + packet for packet in packets], link=113)).table
    assert list(table.endpoint) == ["udp://127.0.0.1:4242"] * 2
    assert list(table.direction) == ["in", "out"]


def test_other_blocks_of_pcapng(tmp_path):
    blocks = (
        block("<", 0x0BAD, b"custom")
        + block(
            "<", 3, struct.pack("<I", len(ethernet(V4))) + ethernet(V4)
        )  # a simple packet, without a time
        + block(
            "<",
            2,
            struct.pack("<HHIIII", 0, 0, *divmod(7, 2**32), len(ethernet(V6)), len(ethernet(V6)))
            + ethernet(V6),
        )
    )
    again = pcapng([[ethernet(V4)]], order=">")  # a second section, of another byte order
    result = loaded(tmp_path, pcapng([[ethernet(V4)]], blocks=blocks) + again)
    assert [time.value for time in result.table.time] == [0, 7000, US, US]
    assert "1 packet has no time" in result.notes[0]


@pytest.mark.slow
def test_a_file_cut_anywhere_gives_what_is_before_the_cut(tmp_path):
    packets = [ethernet(ipv4(17, udp(b"%d" % number))) for number in range(4)]
    for whole in (pcap(packets), pcapng([[packet] for packet in packets])):
        counts = set()
        for length in range(4, len(whole)):
            with contextlib.suppress(LoadError):
                result = loaded(tmp_path, whole[:length])
                count = len(result.table)
                assert list(result.table.payload) == [b"%d" % number for number in range(count)]
                counts.add(count)
        assert counts == {0, 1, 2, 3}
        notes = loaded(tmp_path, whole[:-3]).notes
        assert "cut short" in notes[0]
        assert f"of {len(whole) - 3}" in notes[0]


def test_a_capture_without_a_whole_packet_is_refused(tmp_path):
    for content in (b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a" * 9, pcap([V4])[:30]):
        with pytest.raises(LoadError, match="Expected: pcap or pcapng"):
            loaded(tmp_path, content)


@given(st.integers(0, 300), st.binary(max_size=120))
def test_no_bytes_make_the_dissector_fail(link, data):
    for kind in (link, 1, 101):
        found = dissect(b"before" + data + b"after", kind, 6, 6 + len(data), 253)
        if isinstance(found, Segment):
            assert 6 <= found.start <= found.stop <= 6 + len(data)
            assert found.missing >= 0


WHOLE = [
    pcap([ethernet(V4), ethernet(V6), ethernet(ipv4(6, tcp(b"x")))]),
    pcapng([[ethernet(V4), (1, b"comment"), (2, b"\1\0\0\0")], [ethernet(V6)]], resolution=b"\x09"),
]


def changed_file(folder, whole, data):
    """A file with some bytes of another."""
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(changed) - 1))
        changed[position] = data.draw(
            st.sampled_from([0, 1, 4, 12, 0x7F, 0x80, 0xFF, data.draw(st.integers(0, 255))])
        )
    path = folder / "changed.pcap"
    path.write_bytes(changed)
    return path


@pytest.mark.slow
@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=200)
def test_changed_files_never_fail_otherwise_than_in_words(tmp_path_factory, whole, data):
    with contextlib.suppress(LoadError):
        load(changed_file(tmp_path_factory.mktemp("pcap"), whole, data), reader="gdlab")


@pytest.mark.slow
@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=15)
def test_nor_do_those_that_tshark_is_asked_about(tmp_path_factory, whole, data):
    # Every process of tshark takes as long as fifty files.
    with contextlib.suppress(LoadError):
        load(changed_file(tmp_path_factory.mktemp("pcap"), whole, data))


@pytest.mark.slow
def test_changed_files_of_ours_never_fail_otherwise_than_in_words(tmp_path):
    tcp_row = {"endpoint": "tcp://10.0.0.1:5", "peer": "P01"}
    rows = [
        {"payload": b"x", "detail": "d"},
        tcp_row | {"payload": b"y" * 70_000},
        tcp_row | {"event": "open"},
    ]
    path = write_pcapng(table_of(rows), tmp_path / "run.pcapng")
    whole = path.read_bytes()
    positions = [*range(0, 600, 5), *range(66_000, 66_400, 5), *range(len(whole) - 300, len(whole), 5)]
    for position in positions:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(LoadError):
            load(path)


def test_lengths_that_lie_take_no_memory(tmp_path):
    """A few bytes that promise gigabytes: packets, blocks, options and payloads."""
    path = tmp_path / "liar.pcap"
    liars = [
        pcap([])[:24] + struct.pack("<IIII", 1, 1, 0xFFFFFFF0, 0xFFFFFFF0),
        pcapng([])[: -0 or None] + struct.pack("<II", 6, 0xFFFFFFFC) + bytes(8),
        pcap([(V4[:2] + b"\xff\xff" + V4[4:], 0xFFFFFFFF)], link=101),
        pcap([ipv6(17, udp(b"x"))[:4] + b"\xff\xff" + ipv6(17, udp(b"x"))[6:]], link=101),
    ]
    for content in liars:
        path.write_bytes(content)
        with contextlib.suppress(LoadError):
            load(path)
        tracemalloc.start()
        try:
            with contextlib.suppress(LoadError):
                load(path)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.skipif(EDITCAP is None, reason="editcap (of Wireshark) is not installed")
@pytest.mark.parametrize("file_format", ["pcap", "nsecpcap", "pcapng"])
def test_files_that_wireshark_has_converted_load(tmp_path, file_format):
    rows = [{"time": NS + number, "payload": b"%d" % number} for number in range(5)]
    ours = write_pcapng(table_of(rows), tmp_path / "ours.pcapng")
    other = tmp_path / "other"
    subprocess.run(
        [EDITCAP, "-F", file_format, ours, other], capture_output=True, timeout=limit(30), check=True
    )
    table = load(other).table
    assert list(table.payload) == [row["payload"] for row in rows]
    if file_format != "pcap":
        assert [time.value for time in table.time] == [row["time"] for row in rows]


@pytest.mark.slow
def test_changed_files_of_every_kind_raise_the_named_error_or_load():
    outcomes, failures, *_ = fuzz_files.run(25, seed=1)
    assert failures == []
    assert {kind for kind, _ in outcomes} == set(fuzz_files.KINDS)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_sees_the_same_rows(tmp_path):
    packets = [ethernet(ipv4(17, udp(b"%d" % number))) for number in range(20)]
    packets += [ethernet(ipv4(6, tcp(b"abc"))), ethernet(V6)]
    (tmp_path / "some.pcap").write_bytes(pcap(packets))
    outcome = tshark.compare(tmp_path / "some.pcap")
    assert (outcome.equal, dict(outcome.reasons)) == (22, {})
    # As many bytes as the table lacks, or has too many, are found.
    table = load(tmp_path / "some.pcap").table
    packets = tshark.of_tshark(tmp_path / "some.pcap")
    outcome = tshark.held_against(table.iloc[1:], packets)
    assert (outcome.equal, sum(outcome.reasons.values()), len(outcome.unknown)) == (21, 1, 1)
    outcome = tshark.held_against(table, packets[1:])
    assert (outcome.equal, sum(outcome.reasons.values()), len(outcome.unknown)) == (21, 1, 1)
