"""Our measures against Wireshark's, on the same capture: where both define a number, it is the same number."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess

import numpy as np
import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.files import write_pcapng
from tests.plots.cases import probed, stream
from tests.traffic import merged, pings, table
from tests.waiting import limit

TSHARK = shutil.which("tshark")
pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

#: Of the payload type 0 (PCMU), RFC 3551: Wireshark computes jitter in this clock.
CLOCK_HZ = 8000
#: Our pcapng has Ethernet's header before each IP packet, which Wireshark counts and `wire_bytes` does not.
ETHERNET_BYTES = 14


def tshark(path, *arguments):
    done = subprocess.run(
        [TSHARK, "-n", "-r", path, "-q", *arguments],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=True,
    )
    return done.stdout


def rtp(number, ticks):
    """An RTP packet: RFC 3550 section 5.1, version 2, type 0."""
    return struct.pack(">BBHII", 0x80, 0, number & 0xFFFF, ticks, 0x1234) + b"\xff" * 160


def rtp_stream(path):
    """Packets, lost, and greatest and mean jitter (ms) of the only RTP stream."""
    said = tshark(path, "-d", "udp.port==4242,rtp", "-z", "rtp,streams")
    line = next(line for line in said.splitlines() if "0x00001234" in line)
    packets, lost = re.search(r"(\d+)\s+(-?\d+) \(", line).groups()
    jitters = re.findall(r"\d+\.\d+", line.rpartition("%)")[2])
    return int(packets), int(lost), float(jitters[-1]), float(jitters[-2])


def numbers_and_ticks(payloads):
    fields = [struct.unpack(">xxHI", payload[:8]) for payload in payloads]
    return np.array(fields, dtype=np.int64).T


def assert_same_stream(captured, path):
    number, ticks = numbers_and_ticks(captured["payload"])
    ours = captured.assign(**{"v.n": number, "v.t": ticks / CLOCK_HZ})
    smoothed = analysis.jitter(ours, sent="v.t", unit="s")["jitter_ms"].dropna()
    streams = analysis.sequence(ours, seq="v.n", bits=16)
    packets, lost, greatest, mean = rtp_stream(path)
    assert packets == len(captured)
    assert streams["lost"].sum() == lost
    # It writes three decimals, and times in a pcapng are exact.
    assert smoothed.max() == pytest.approx(greatest, abs=0.002)
    # Its mean counts the first packet, whose jitter is 0.
    assert smoothed.sum() / len(captured) == pytest.approx(mean, rel=0.02, abs=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_loss_and_jitter_of_an_rtp_stream(seed, tmp_path):
    # In order: where packets overtake each other, Wireshark's estimate is another one (seen with 4.0).
    rng = np.random.default_rng(seed)
    number = np.delete(np.arange(65_400, 65_800), [17, 18, 200])  # the numbers begin anew in between
    when = (number - number[0]) * 20_000_000 + np.minimum(rng.exponential(3e6, len(number)), 19e6).astype(
        np.int64
    )
    captured = table(when, [rtp(n, int(n) * 160) for n in number])
    assert_same_stream(captured, write_pcapng(captured, tmp_path / "rtp.pcapng"))


@pytest.mark.slow
def test_jitter_of_datagrams_that_were_really_received(tmp_path):
    with gd.listen("udp://127.0.0.1:0") as cap:
        port = int(cap.addresses[0].rpartition(":")[2])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for number in range(100):
                sock.sendto(rtp(number, number * 160), ("127.0.0.1", port))
        cap.wait_sync(100)
    captured = cap.df
    captured["endpoint"] = captured["endpoint"].cat.rename_categories(["udp://127.0.0.1:4242"])
    assert_same_stream(captured, write_pcapng(captured, tmp_path / "rtp.pcapng"))


@pytest.mark.slow
def test_packets_and_bytes_in_each_interval(tmp_path):
    captured = stream(600)
    path = write_pcapng(captured, tmp_path / "run.pcapng")
    said = tshark(path, "-z", "io,stat,1,udp")
    theirs = [
        (int(frames), int(size))
        for frames, size in re.findall(r"<>\s*(?:[\d.]+|Dur)\s*\|\s*(\d+)\s*\|\s*(\d+)", said)
    ]
    start = captured["time"].min()
    second = (captured["time"] - start).dt.total_seconds().astype(int)
    wanted = (captured["wire_bytes"] + ETHERNET_BYTES).groupby(second).agg(["size", "sum"])
    assert theirs == list(wanted.itertuples(index=False, name=None))
    rates = analysis.rates(captured, bin_s=1.0, span=(start, captured["time"].max()))
    assert rates["messages"].tolist()[: len(theirs) - 1] == [frames for frames, _ in theirs][:-1]


def test_conversations(tmp_path):
    whole = merged(
        probed(40, seed=1), stream(30, "127.0.0.1:7000"), probed(20, seed=2, peer="127.0.0.1:7001")
    )
    said = tshark(write_pcapng(whole, tmp_path / "run.pcapng"), "-z", "conv,udp")
    theirs = {}
    for line in said.splitlines():
        if "<->" not in line:
            continue
        # Two ends; frames and bytes to the first, from it, of both; start and duration.
        first, _, second, *rest = line.replace("bytes", " ").split()
        to_first, _, from_first, _, both, size, begin, lasted = map(float, rest)
        ways = (to_first, from_first) if second.endswith(":4242") else (from_first, to_first)
        theirs[first if second.endswith(":4242") else second] = (*ways, both, size, begin, lasted)
    ours = analysis.conversations(whole).set_index("peer")
    assert theirs.keys() == set(ours.index)
    start = whole["time"].min()
    for peer, row in ours.iterrows():
        out, heard, both, size, begin, lasted = theirs[peer]
        assert (row["messages_out"], row["messages_in"]) == (out, heard)
        assert row["messages_out"] + row["messages_in"] == both
        assert row["wire_bytes"] + ETHERNET_BYTES * both == size
        assert (row["first"] - start).total_seconds() == pytest.approx(begin, abs=1e-6)
        assert row["lasted_s"] == pytest.approx(lasted, abs=1e-4)


@pytest.mark.slow
def test_times_between_the_arrivals_of_a_stream(tmp_path):
    whole = merged(stream(100, "127.0.0.1:7000"), stream(80, "127.0.0.1:7001", 45.0, 2))
    path = write_pcapng(whole, tmp_path / "run.pcapng")
    said = tshark(path, "-T", "fields", "-e", "udp.srcport", "-e", "udp.time_delta")
    theirs = [line.split("\t") for line in said.splitlines()]
    ours = analysis.inter_arrival(whole)
    assert [port for port, _ in theirs] == [peer.rpartition(":")[2] for peer in ours["peer"]]
    # Of the first of a stream they say 0, we say nothing.
    assert np.allclose(ours["iat_ms"].fillna(0), [float(delta) * 1e3 for _, delta in theirs], atol=1e-6)


@pytest.mark.slow
def test_round_trips_and_the_acknowledgements_of_a_tcp_stream(tmp_path):
    # Where each answer comes before the next ping, it is what acknowledges it.
    rng = np.random.default_rng(5)
    rtt = rng.integers(10**5, 19 * 10**6, 60)
    whole = pings(np.arange(60) * 20_000_000, rtt, endpoint="tcp://127.0.0.1:4242")
    path = write_pcapng(whole, tmp_path / "run.pcapng")
    said = tshark(path, "-Y", "tcp.srcport == 53211", "-T", "fields", "-e", "tcp.analysis.ack_rtt")
    theirs = [float(value) * 1e3 for value in said.split()]
    assert np.allclose(analysis.round_trips(whole)["rtt_ms"], theirs, atol=1e-6)
