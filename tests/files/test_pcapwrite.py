"""pcapng: what Wireshark reads is what the table has, field for field, and `load` gives the rows back."""

import csv
import itertools
import json
import random
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import given, settings

from gdlab.files import TableError, load, write_csv, write_pcapng
from gdlab.store import table
from tests.files.tables import AWKWARD, TABLES, table_of
from tests.waiting import limit

TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

#: What a pcapng of ours gives back; the others are estimates.
KEPT = [
    "time",
    "time_source",
    "endpoint",
    "peer",
    "direction",
    "event",
    "kind",
    "size_bytes",
    "wire_bytes",
    "payload",
]
KEPT += ["reason", "by", "code", "count", "detail"]

V6 = {"endpoint": "udp://[::1]:4242", "peer": "[::1]:50000"}
BYE = {"reason": "peer_closed", "by": "peer", "code": 1000, "count": 1}
TCP = {"endpoint": "tcp://192.168.1.2:50007", "peer": "192.168.1.9:40000"}


def conversation():
    """Messages of all transports, both directions, and events."""
    rows = [
        {"payload": b"to us"},
        {"payload": b"from us", "direction": "out", "time_source": "user"},
        {"payload": b"", "detail": 'empty, "quoted"'},
        {"payload": bytes(range(256)), "time_source": "kernel"},
        {"payload": b"odd"},
        {"payload": b"\0\0"},
        {"payload": b"\xff\xff\xff\xff"},
        {**V6, "payload": b"six"},
        {**V6, "payload": b"six back", "direction": "out"},
        {**TCP, "event": "open", "detail": "connected"},
        {**TCP, "payload": b"hello"},
        {**TCP, "payload": b"hi", "direction": "out"},
        {**TCP, "payload": b"again"},
        {**TCP, "payload": b""},
        {**TCP, "event": "error", "detail": "too long", "payload": b"\1\2\3"},
        {
            **TCP,
            "event": "close",
            "reason": "peer_closed",
            "by": "peer",
            "code": 1000,
            "count": 1,
            "detail": "1000 bye",
        },
        {"event": "gap", "peer": "", "reason": "evicted", "by": "us", "count": 7, "detail": "7 rows dropped"},
        {"payload": b"asked", "direction": "out", "reason": "probe", "by": "us", "count": 1},
        {"endpoint": "udp://localhost:1", "peer": "[::1]:7", "payload": b"both families"},
        {"endpoint": "udp://lan:1", "peer": "10.0.0.7:7", "payload": b"lan"},
        {"endpoint": "ws://127.0.0.1:5000/chat", "peer": "127.0.0.1:7", "payload": b"ws"},
        {"payload": b"y" * 65_507},
    ]
    return table_of([row | {"time": 1_700_000_000_123_456_789 + number} for number, row in enumerate(rows)])


def tshark(path, *fields, more=()):
    """The fields of each packet, as text."""
    done = subprocess.run(
        [TSHARK, "-r", path, "-n", "-T", "fields", "-E", "separator=\t", *more]
        + ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
        + [argument for field in fields for argument in ("-e", field)],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def assert_kept(loaded, wanted):
    for name in KEPT:
        left, right = loaded.table[name], wanted[name]
        if name in ("endpoint", "peer"):
            left, right = left.astype(object), right.astype(object)
        pd.testing.assert_series_equal(left, right)


@needs_tshark
def test_wireshark_reads_what_the_table_has(tmp_path):
    wanted = conversation()
    path = write_pcapng(wanted, tmp_path / "run.pcapng")
    fields = ["frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "frame.comment"]
    fields += [
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "ip.proto",
        "udp.srcport",
        "udp.dstport",
        "tcp.srcport",
    ]
    fields += [
        "tcp.dstport",
        "udp.payload",
        "tcp.payload",
        "data.data",
        "ip.checksum.status",
        "udp.checksum.status",
    ]
    fields += ["tcp.checksum.status", "tcp.seq", "_ws.malformed", "udp.length"]
    packets = [dict(zip(fields, values, strict=True)) for values in tshark(path, *fields)]
    assert len(packets) == len(wanted)
    for packet, row in zip(packets, wanted.to_dict("records"), strict=True):
        seconds, nanoseconds = divmod(row["time"].value, 10**9)
        assert packet["frame.time_epoch"] == f"{seconds}.{nanoseconds:09}"
        assert packet["frame.interface_name"] == row["endpoint"]
        assert int(packet["frame.packet_flags_direction"], 0) == (1 if row["direction"] == "in" else 2)
        detail = row["detail"] if row["event"] == "message" else f"{row['event']}: {row['detail']}"
        comments = [detail] if detail else []
        told = packet["frame.comment"].replace("\\", "")
        assert re.sub(r"gdlab: reason=\w* by=\w* [^,]*,?", "", told) == ",".join(comments)
        assert f"reason={row['reason']} by={row['by']}" in told or not row["reason"]
        assert packet["_ws.malformed"] == ""
        source, target = row["peer"], row["endpoint"].split("://")[1].split("/")[0]
        if row["direction"] == "out":
            source, target = target, source
        for text, address, ports in ((source, "src", "srcport"), (target, "dst", "dstport")):
            if text.startswith(("127.", "192.", "10.", "[")):
                host, _, port = text.rpartition(":")
                assert (packet[f"ip.{address}"] or packet[f"ipv6.{address}"]) == host.strip("[]")
                if row["event"] == "message":
                    assert (packet[f"udp.{ports}"] or packet[f"tcp.{ports}"]) == port
        if packet["ip.src"]:
            assert packet["ip.checksum.status"] == "1"
        if row["event"] == "message":
            protocol = "udp" if row["endpoint"].startswith("udp") else "tcp"
            assert packet[f"{protocol}.checksum.status"] == "1"
            assert bytes.fromhex(packet[f"{protocol}.payload"]) == row["payload"]
            if protocol == "udp":
                assert int(packet["udp.length"]) == row["size_bytes"] + 8
        else:
            assert packet["ip.proto"] == "253"


@pytest.mark.slow
@needs_tshark
def test_wireshark_and_the_csv_of_a_capture_agree_in_every_field(tmp_path):
    chance = random.Random(8)
    peers = ["127.0.0.1:50000", "192.168.1.9:40000", "10.0.0.7:65535"]
    wanted = table_of(
        [
            {
                "time": 1_700_000_000_000_000_000 + number * 12_345_679,
                "peer": chance.choice(peers),
                "direction": chance.choice(["in", "out"]),
                "payload": chance.choice([chance.randbytes, bytes])(chance.randrange(1, 600)),
            }
            for number in range(2000)
        ]
    )
    with write_csv(wanted, tmp_path / "run.csv").open(newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    path = write_pcapng(wanted, tmp_path / "run.pcapng")
    fields = ["frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction", "ip.src", "ip.dst"]
    fields += ["udp.srcport", "udp.dstport", "udp.length", "udp.payload", "ip.len", "udp.checksum.status"]
    # What Wireshark takes random payloads for is its own affair: nothing above UDP is asked for.
    packets = tshark(path, *fields, "ip.checksum.status")
    assert len(packets) == len(cells) == 2000
    for packet, cell in zip(packets, cells, strict=True):
        seconds, _, nanoseconds = packet[0].partition(".")
        at = pd.Timestamp(int(seconds) * 10**9 + int(nanoseconds), tz="UTC")
        own, other = cell["endpoint"].removeprefix("udp://"), cell["peer"]
        source, target = (other, own) if cell["direction"] == "in" else (own, other)
        assert at == pd.Timestamp(cell["time"])
        assert packet[1] == cell["endpoint"]
        assert int(packet[2], 0) == (1 if cell["direction"] == "in" else 2)
        assert (f"{packet[3]}:{packet[5]}", f"{packet[4]}:{packet[6]}") == (source, target)
        assert int(packet[7]) - 8 == int(cell["size_bytes"])
        payload = bytes.fromhex(cell["payload"]) if cell["payload_as"] == "hex" else cell["payload"].encode()
        assert bytes.fromhex(packet[8]) == payload
        assert int(packet[9]) == int(cell["wire_bytes"])
        assert packet[10:] == ["1", "1"]


@pytest.mark.slow
@needs_tshark
def test_wireshark_follows_a_stream_of_both_directions(tmp_path):
    long = bytes(itertools.islice(itertools.cycle(range(251)), 200_000))
    wanted = table_of(
        [
            {**TCP, "payload": b"question"},
            {**TCP, "payload": long, "direction": "out"},
            {**TCP, "payload": b"thanks"},
            {**TCP, "payload": b"", "direction": "out"},
            {**TCP, "payload": b"end", "direction": "out"},
        ]
    )
    path = write_pcapng(wanted, tmp_path / "run.pcapng")
    done = subprocess.run(
        [TSHARK, "-r", path, "-q", "-z", "follow,tcp,raw,0"],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    lines = [
        line
        for line in done.stdout.splitlines()
        if line.strip("\t") and set(line.strip()) <= set("0123456789abcdef")
    ]
    sent = b"".join(bytes.fromhex(line) for line in lines if not line.startswith("\t"))
    answered = b"".join(bytes.fromhex(line.strip()) for line in lines if line.startswith("\t"))
    assert sent == b"questionthanks"
    assert answered == long + b"end"
    analysis = tshark(path, "tcp.analysis.flags", "tcp.len", "tcp.analysis.lost_segment")
    assert all(flags == "" and lost == "" for flags, _, lost in analysis)
    assert_kept(load(path), wanted)


@needs_tshark
def test_wireshark_shows_the_names_of_anonymous_peers(tmp_path):
    wanted = table_of([{"peer": "192.168.7.7:5001", "endpoint": "udp://192.168.7.1:1", "payload": b"x"}])
    path = write_pcapng(wanted, tmp_path / "run.pcapng", anonymise=True)
    ((source, target),) = tshark(path, "ip.src_host", "ip.dst_host", more=["-N", "n"])
    assert (source, target) == ("P01", "E01")
    assert b"\xc0\xa8\x07" not in path.read_bytes()
    loaded = load(path).table
    assert (loaded.peer[0], loaded.endpoint[0]) == ("P01", "udp://E01:1")


def test_rows_come_back(tmp_path):
    wanted = conversation()
    path = write_pcapng(wanted, tmp_path / "run.pcapng", provenance={"limit": "1 GiB"})
    loaded = load(path)
    assert_kept(loaded, wanted)
    assert loaded.notes == ()
    assert loaded.provenance["provenance"] == {"limit": "1 GiB"}
    udp = wanted.endpoint.str.startswith("udp://127.") & (wanted.event == "message")
    assert (loaded.table.wire_bytes[udp] == wanted.wire_bytes[udp]).all()


def test_awkward_values_and_an_empty_table_come_back(tmp_path):
    wanted = table_of(
        [{**TCP, "payload": payload, "detail": payload[:99].decode("latin-1")} for payload in AWKWARD]
    )
    assert_kept(load(write_pcapng(wanted, tmp_path / "run.pcapng")), wanted)
    empty = load(write_pcapng(table.empty(), tmp_path / "empty.pcapng"))
    assert (len(empty.table), empty.notes) == (0, ())
    assert list(empty.table.columns) == list(wanted.columns)


@pytest.mark.slow
@given(TABLES)
@settings(max_examples=60)
def test_any_table_is_written_and_its_payloads_and_times_come_back(tmp_path_factory, table):
    table = table[table.time >= pd.Timestamp(0, tz="UTC")]
    path = tmp_path_factory.mktemp("pcapng") / "run.pcapng"
    loaded = load(write_pcapng(table, path)).table
    rows = table.sort_values("time", kind="stable")
    assert list(loaded.time) == list(rows.time)
    assert list(loaded.payload) == [b"" if payload is pd.NA else payload for payload in rows.payload]
    assert list(loaded.event) == list(rows.event)
    assert list(loaded.endpoint) == list(rows.endpoint)
    assert list(loaded.direction) == list(rows.direction)


def test_what_does_not_fit_into_a_packet_is_said_in_its_comment(tmp_path):
    wanted = table_of(
        [{"payload": b"z" * 70_000}, {**TCP, "event": "error", "payload": b"z" * 70_000, "detail": "why"}]
    )
    loaded = load(write_pcapng(wanted, tmp_path / "run.pcapng")).table
    assert list(loaded.size_bytes) == [65_507, 65_507]
    assert loaded.detail[0] == " [the first 65507 of 70000 bytes]"
    assert loaded.detail[1] == "why [the first 65507 of 70000 bytes]"


def test_times_before_1970_are_refused(tmp_path):
    with pytest.raises(TableError, match="1970"):
        write_pcapng(table_of([{"time": -1}]), tmp_path / "run.pcapng")


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pcapng(conversation(), tmp_path / "run.pcapng", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_provenance_of_any_size_and_kind_is_no_error(tmp_path):
    for provenance in ({"notes": ["x" * 100_000]}, {"odd": {1, 2}}):
        path = write_pcapng(conversation(), tmp_path / "run.pcapng", provenance=provenance)
        assert json.dumps(load(path).provenance)


def small(tmp_path):
    """A file of two endpoints, both families, all transports."""
    whole = conversation()
    rows = whole[whole.size_bytes < 1000].to_dict("records")
    rows = [row | {"time": row["time"].value} for row in rows]
    return len(rows), write_pcapng(table_of(rows), tmp_path / "run.pcapng")


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_tcpdump_and_so_every_program_of_libpcap_reads_all_packets(tmp_path):
    rows, path = small(tmp_path)
    done = subprocess.run(
        ["tcpdump", "-n", "-q", "-r", str(path)],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    assert len(done.stdout.splitlines()) == rows
    assert "different from" not in done.stderr


@pytest.mark.skipif(shutil.which("capinfos") is None, reason="capinfos (of Wireshark) is not installed")
def test_capinfos_finds_one_encapsulation(tmp_path):
    rows, path = small(tmp_path)
    done = subprocess.run(
        ["capinfos", "-M", "-c", "-E", str(path)],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    assert f"Number of packets:   {rows}" in done.stdout
    assert "ether\n" in done.stdout


def test_dpkt_reads_all_packets(tmp_path):
    import dpkt

    rows, path = small(tmp_path)
    with path.open("rb") as file:
        frames = [dpkt.ethernet.Ethernet(data) for _, data in dpkt.pcapng.Reader(file)]
    assert len(frames) == rows
    assert frames[0].data.data.data == b"to us"


@pytest.mark.slow
def test_scapy_reads_all_packets(tmp_path):
    rows, path = small(tmp_path)
    code = (
        f"from scapy.all import rdpcap; p = rdpcap({str(path)!r}); print(len(p), bytes(p[0]['UDP'].payload))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    assert done.stdout.split("\n")[0] == f"{rows} {b'to us'}"
