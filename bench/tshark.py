"""Captures of other programs, read by gdlab and by tshark: the same payloads in the same streams, row by row.

    python -m bench.tshark FOLDER [--limit N] [--jobs N]

UDP datagrams are compared one by one (both sides and the payload), TCP as the bytes of each direction of each
connection. Of a packet in a tunnel gdlab gives what is innermost, so that is what has to be equal. What an error of
ICMP quotes, or a monitoring protocol samples, was not sent there, and is no row. Every difference is counted by its
reason; those whose reason is not known are printed at once. The sums are printed for each folder as it is done.
"""

import argparse
import collections
import concurrent.futures
import ipaddress
import itertools
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gdlab.errors import LoadError
from gdlab.files import load
from gdlab.files.pcapread import is_capture

FIELDS = (
    "frame.number", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
    "udp.srcport", "udp.dstport", "udp.length", "udp.payload",
    "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.flags", "tcp.len", "tcp.payload", "tcp.analysis.keep_alive",
    "ip.flags.mf", "_ws.malformed",
)  # fmt: skip

#: Protocols that carry packets; behind any other one what looks like a packet is quoted, or sampled.
CARRIERS = frozenset(
    """
    frame eth ethertype sll sll2 null raw ppp pppoes pppmux wlan wlan_radio radiotap 802.11_radio prism ppi pcap_pktdata
    pktap nflog pflog llc vlan ieee8021ad ieee8021ah pbb mpls pwethheuristic pweth pwethcw fr chdlc arcnet atm macsec
    nsh user_dlt ip ipv6 ah gre erspan udp tcp vxlan vxlan_gpe geneve gtp teredo l2tp pptp lisp-data capwap.data ayiya
    """.split()  # noqa: SIM905 (a list of words is read best as words)
)

#: Files between two sums that are printed.
EVERY = 100
_NOT_OPENED = "tunnels that gdlab does not open: their outer datagram is the row"
_LEFT_TO_TSHARK = "formats that gdlab has tshark open, where it is installed"
_UDP_MISSING, _TCP_MISSING = "? UDP only in tshark", "? TCP only in tshark"
#: Beyond any window.
FAR = 64 << 20
MULTI_CARRIERS = ("ipv6.", "juniper", "gtp", "gre")


@dataclass
class Packet:
    """What tshark finds in a packet: its layers of UDP and TCP, the innermost last."""

    number: int
    layers: list = field(default_factory=list)  # (protocol, source, target, payload, sequence)
    reset: bool = False
    keep_alive: bool = False
    fragment: bool = False
    quoted: str = ""
    short: bool = False  # a length of UDP below that of its header
    hosts: tuple = ("", "")


def tshark_command(path, extra=()):
    command = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-Y",
        "udp.payload || tcp.payload || _ws.malformed",
        "-T",
        "fields",
    ]
    command += ["-E", "occurrence=a", "-E", "aggregator=,"]
    command += ["-o", "ip.defragment:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    return command + list(itertools.chain.from_iterable(("-e", name) for name in (*extra, *FIELDS)))


def of_tshark(path):
    done = subprocess.run(tshark_command(path), capture_output=True, text=True, timeout=600, check=False)
    return [parsed(line) for line in done.stdout.splitlines()]


def parsed(line):
    """The packet of a line of tshark's."""
    cells = dict(zip(FIELDS, line.split("\t"), strict=True))
    lists = {name: iter(cell.split(",") if cell else ()) for name, cell in cells.items()}

    def following(name):
        return next(lists[name], "")

    packet = Packet(
        int(cells["frame.number"]),
        keep_alive=bool(cells["tcp.analysis.keep_alive"]),
        fragment=cells["ip.flags.mf"][-1:] in {"1", "e"},
    )
    hosts = ("", "")
    for protocol in cells["frame.protocols"].split(":"):
        if protocol in {"ip", "ipv6"}:
            hosts = packet.hosts = following(f"{protocol}.src"), following(f"{protocol}.dst")
        elif protocol in {"udp", "tcp"}:
            ports = following(f"{protocol}.srcport"), following(f"{protocol}.dstport")
            source, target = (side(*each) for each in zip(hosts, ports, strict=True))
            if protocol == "udp":
                length = following("udp.length")
                packet.short |= int(length or 8) < 8
                filled = length != "8"
                payload = following("udp.payload") if filled else ""
                sequence = -1
            else:
                sequence = int(following("tcp.seq_raw") or -1)
                packet.reset = bool(int(following("tcp.flags") or "0", 16) & 4)
                payload = following("tcp.payload") if following("tcp.len") not in {"", "0"} else ""
            packet.layers.append(
                (protocol, source, target, bytes.fromhex(payload.replace(":", "")), sequence)
            )
        elif protocol not in CARRIERS and not protocol.startswith(MULTI_CARRIERS):
            if not packet.layers:
                packet.quoted = protocol
            break
    return packet


def side(host, port):
    host = str(ipaddress.ip_address(host))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def of_gdlab(table):
    """The same of a table: datagrams, and all bytes of each direction; the last are those of WebSockets."""
    datagrams = collections.Counter()
    streams = collections.defaultdict(list)
    websockets = set()
    columns = [table[name].astype(object) for name in ("endpoint", "peer", "direction", "event")]
    for endpoint, peer, direction, event, payload in zip(*columns, table["payload"], strict=True):
        scheme, _, own = endpoint.partition("://")
        own = own.split("/")[0]
        source, target = (own, peer) if direction == "out" else (peer, own)
        if scheme == "udp" and len(payload):
            datagrams[source, target, payload] += 1
        elif scheme == "ws":
            websockets |= {(source, target), (target, source)}
        elif scheme == "tcp" and event in {"message", "error"}:
            streams[source, target].append(payload)
    return datagrams, {key: b"".join(parts) for key, parts in streams.items()}, websockets


@dataclass
class Outcome:
    """What a comparison gave: rows that are equal, differences by reason, and examples of those without one."""

    equal: int = 0
    reasons: collections.Counter = field(default_factory=collections.Counter)
    unknown: list = field(default_factory=list)

    def differs(self, reason, example, count=1):
        self.reasons[reason] += count
        if reason.startswith("?"):
            self.unknown.append(f"{reason[1:].strip()}: {example}")


def compare(path):
    """Compare one file; what gdlab refuses differs in all its rows."""
    packets = of_tshark(path)
    try:
        read = load(path, reader="gdlab")
    except LoadError as error:
        outcome = Outcome()
        rows = sum(bool(packet.layers and packet.layers[-1][3]) for packet in packets)
        with path.open("rb") as file:
            known = is_capture(file.read(1024))
        if rows:
            why = "? refused by gdlab" if known else _LEFT_TO_TSHARK
            outcome.differs(why, str(error)[-200:], rows)
        return outcome
    outcome = held_against(read.table, packets)
    if any("link type" in note for note in read.notes):
        lost = outcome.reasons.pop(_TCP_MISSING, 0) + outcome.reasons.pop(_UDP_MISSING, 0)
        if lost:
            outcome.reasons[_LEFT_TO_TSHARK] += lost
        outcome.unknown = [each for each in outcome.unknown if "only in tshark" not in each]
    return outcome


def held_against(table, packets):
    """Hold the rows of a table against what tshark found."""
    outcome = Outcome()
    datagrams, streams, websockets = of_gdlab(table)
    malformed = {packet.hosts for packet in packets if not packet.layers and packet.hosts[0]}
    nameless = any(not packet.layers and not packet.hosts[0] for packet in packets)
    short = {layer[1:3] for packet in packets if packet.short for layer in packet.layers}
    segments = collections.defaultdict(list)
    for packet in packets:
        if not packet.layers:
            continue
        protocol, source, target, payload, _ = packet.layers[-1]
        if not payload and any(taken(datagrams, *layer[1:4]) for layer in packet.layers[:-1] if layer[3]):
            outcome.differs(_NOT_OPENED, packet)
        elif protocol == "tcp":
            if payload:
                segments[source, target].append(packet)
        elif payload and not taken(datagrams, source, target, payload):
            outcome.differs(*why_no_datagram(packet, datagrams))
        elif payload:
            outcome.equal += 1
    for key, those in segments.items():
        if key in websockets:
            outcome.reasons["(WebSocket: messages, whose frames are gone; not counted)"] += len(those)
        else:
            stream(outcome, key, streams.get(key, b""), those, datagrams)
    for (source, target, payload), count in datagrams.items():
        hosts = source.rpartition(":")[0], target.rpartition(":")[0]
        if count > 0 and (nameless or hosts in malformed):
            outcome.differs("packets that tshark finds malformed, and reads no further", source, count)
        elif count > 0 and (source, target) in short:
            outcome.differs("lengths of UDP below 8, at which tshark reads no further", source, count)
        elif count > 0:
            outcome.differs("? UDP only in gdlab", f"{count} x {source} {target} {len(payload)} B", count)
    return outcome


def why_no_datagram(packet, datagrams):
    """The reason why gdlab has no such row, and an example of it."""
    _, source, target, payload, _ = packet.layers[-1]
    if any(taken(datagrams, *layer[1:4]) for layer in packet.layers[:-1] if layer[0] == "udp"):
        return _NOT_OPENED, packet
    if packet.fragment:
        return "first fragments of packets that were not captured whole", packet
    for key, count in datagrams.items():
        shorter, longer = sorted((key[2], payload), key=len)
        if count and key[:2] == (source, target) and longer.startswith(shorter):
            taken(datagrams, *key)
            return "datagrams whose lengths contradict each other: UDP's, IP's and what is there", packet
    return _UDP_MISSING, f"#{packet.number} {source} {target} {len(payload)} B"


def taken(datagrams, source, target, payload):
    """Whether such a row was there; it is used up."""
    there = datagrams[source, target, payload] > 0
    datagrams[source, target, payload] -= there
    return there


def stream(outcome, key, joined, packets, datagrams):
    """The segments of one direction: all bytes that arrived are in the stream."""
    known, missing = {}, []
    for packet in packets:
        payload, sequence = packet.layers[-1][3:]
        if not packet.reset and payload in joined:
            outcome.equal += 1
            known.setdefault(sequence, payload)
        else:
            missing.append(packet)
    for packet in missing:
        if packet.layers[-1][3][1:] and packet.layers[-1][3][1:] in joined:
            outcome.differs("TCP segments whose first byte stands in place of a SYN", packet)
        else:
            outcome.differs(*why_not_in_stream(packet, known, datagrams))


def why_not_in_stream(packet, known, datagrams):
    """The reason why the bytes of a segment are not in the stream, and an example of it."""
    _, source, target, payload, sequence = packet.layers[-1]
    if packet.reset:
        return "TCP resets with bytes, which no receiver gets", packet
    if packet.keep_alive and len(payload) == 1:
        return "the byte of a TCP keep-alive, which no receiver gets", packet
    if any(taken(datagrams, *layer[1:4]) for layer in packet.layers[:-1] if layer[0] == "udp"):
        return _NOT_OPENED, packet
    if packet.fragment:
        return "first fragments of packets that were not captured whole", packet
    distances = [distance(sequence, begin) for begin in known]
    if known and max(distances) < 0:
        return "TCP segments from before the beginning of their stream", packet
    if known and min(map(abs, distances)) > FAR:
        return "TCP segments far outside of their stream", packet
    if overlaps(known, sequence, payload):
        return "TCP segments that contradict what came before, which stays", packet
    return _TCP_MISSING, f"#{packet.number} {source} {target} {len(payload)} B"


def distance(sequence, other):
    """How far one number of a stream is behind another one; negative where it is before it."""
    return (sequence - other + 2**31) % 2**32 - 2**31


def overlaps(known, sequence, payload):
    """Whether bytes of a segment were there before."""
    return any(-len(payload) < distance(sequence, begin) < len(data) for begin, data in known.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=10_000, help="files at most")
    parser.add_argument("--jobs", type=int, default=2, help="files at once")
    asked = parser.parse_args()
    files = [path for path in sorted(asked.folder.rglob("*")) if path.is_file()][: asked.limit]
    sums = Sums()
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        outcomes = zip(files, pool.map(compare, files), strict=True)
        for folder, those in itertools.groupby(outcomes, lambda pair: pair[0].parent):
            for path, outcome in those:
                sums.add(outcome)
                shown(path, outcome)
                if not sums.files % EVERY:
                    print(f"  {sums}", flush=True)
            print(f"{folder.relative_to(asked.folder)}: {sums} so far", flush=True)
    for reason, count in sums.reasons.most_common():
        print(f"{count:8} {reason}")
    print(sums)
    sys.exit(sums.share < 99.8 or sums.unexplained > 0)


@dataclass
class Sums:
    """What all comparisons so far have given."""

    files: int = 0
    equal: int = 0
    reasons: collections.Counter = field(default_factory=collections.Counter)

    def add(self, outcome):
        self.files += 1
        self.equal += outcome.equal
        self.reasons += outcome.reasons

    @property
    def different(self):
        return sum(count for reason, count in self.reasons.items() if not reason.startswith("("))

    @property
    def unexplained(self):
        return sum(count for reason, count in self.reasons.items() if reason.startswith("?"))

    @property
    def share(self):
        """Equal rows in percent."""
        rows = self.equal + self.different
        return 100 * self.equal / rows if rows else 100.0

    def __str__(self):
        rows = self.equal + self.different
        return (
            f"{self.files} files, {self.equal} of {rows} rows equal ({self.share:.3f} %), "
            f"{self.different - self.unexplained} explained, {self.unexplained} unexplained"
        )


def shown(path, outcome, most=5):
    """Print the differences that have no reason."""
    for line in outcome.unknown[:most]:
        print(f"{path.name}: {line}", flush=True)
    if len(outcome.unknown) > most:
        print(f"{path.name}: and {len(outcome.unknown) - most} more")


if __name__ == "__main__":
    main()
