"""Captures of other programs, read by gdlab and by tshark: the same payloads in the same streams, row by row.

    python -m bench.tshark FOLDER [--limit N]

For each capture in the folder: UDP datagrams are compared one by one (time, both sides, payload), TCP as the bytes of
each direction of each connection. What differs is printed with its reason where one is known: gdlab decapsulates
tunnels whose outer datagram tshark shows, too; streams with a hole end for tshark where it stops to follow.
"""

import argparse
import collections
import subprocess
import sys
from pathlib import Path

from gdlab.errors import LoadError
from gdlab.files import load

UDP_FIELDS = (
    "frame.protocols", "ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport",
    "udp.payload",
)  # fmt: skip
TCP_FIELDS = (
    "frame.protocols", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.seq_raw",
    "tcp.payload",
)  # fmt: skip


def tshark(path, display, fields):
    """Rows of fields; the innermost of each, as gdlab looks into tunnels."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display, "-T", "fields", "-E", "occurrence=l"]
    command += ["-o", "ip.defragment:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE"]
    for field in fields:
        command += ["-e", field]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return [line.split("\t") for line in found.stdout.splitlines()]


def side(protocols, address, other, port):
    """The innermost address of a packet that may have several."""
    named = protocols.split(":")[::-1]
    both = address and other
    host = other if both and named.index("ipv6") < named.index("ip") else address or other
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def udp_of_tshark(path):
    rows = collections.Counter()
    for protocols, *cells in tshark(path, "udp && udp.payload", UDP_FIELDS):
        source, target = side(protocols, *cells[:3]), side(protocols, *cells[3:6])
        rows[source, target, cells[6].replace(":", "")] += 1
    return rows


def tcp_of_tshark(path):
    """The new bytes of each direction, by sequence number."""
    streams = collections.defaultdict(dict)
    for protocols, *cells in tshark(path, "tcp.payload", TCP_FIELDS):
        source, target = side(protocols, *cells[:3]), side(protocols, *cells[3:6])
        streams[source, target].setdefault(int(cells[6]), bytes.fromhex(cells[7].replace(":", "")))
    return streams


def of_gdlab(table):
    """The same of a table: datagrams, and all bytes of each direction."""
    datagrams = collections.Counter()
    streams = collections.defaultdict(list)
    endpoints, peers = table["endpoint"].astype(object), table["peer"].astype(object)
    rows = zip(
        endpoints,
        peers,
        table["direction"].astype(object),
        table["event"].astype(object),
        table["payload"],
        strict=True,
    )
    for endpoint, peer, direction, event, payload in rows:
        scheme, _, own = endpoint.partition("://")
        own = own.split("/")[0]
        source, target = (own, peer) if direction == "out" else (peer, own)
        if scheme == "udp" and len(payload):
            datagrams[source, target, payload.hex()] += 1
        elif scheme in {"tcp", "ws"} and event in {"message", "error"}:
            streams[source, target].append((scheme, payload))
    return datagrams, streams


def compare(path):
    """Rows that are equal, and differences in words."""
    try:
        table = load(path).table
    except LoadError as error:
        return 0, 0, [f"refused: {str(error)[:160]}"]
    ours, our_streams = of_gdlab(table)
    theirs, their_streams = udp_of_tshark(path), tcp_of_tshark(path)
    equal = sum((ours & theirs).values())
    total = sum((ours | theirs).values())
    said = [f"UDP only in gdlab: {key[:2]} {len(key[2]) // 2} B" for key in ours - theirs]
    said += [f"UDP only in tshark: {key[:2]} {len(key[2]) // 2} B" for key in theirs - ours]
    for key, pieces in their_streams.items():
        mine = our_streams.get(key, [])
        if any(scheme == "ws" for scheme, _ in mine):
            continue  # messages, whose frames are gone
        joined = b"".join(payload for _, payload in mine)
        total += len(pieces)
        missing = [number for number, piece in pieces.items() if piece not in joined]
        equal += len(pieces) - len(missing)
        said += [f"TCP {key}: {len(missing)} of {len(pieces)} segments are not in the stream"] * bool(missing)
    return equal, total, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=10_000, help="files at most")
    asked = parser.parse_args()
    files = [
        path for path in sorted(asked.folder.rglob("*")) if path.is_file() and "cap" in path.suffix.lower()
    ]
    equal = total = different = 0
    for path in files[: asked.limit]:
        same, rows, said = compare(path)
        equal, total, different = equal + same, total + rows, different + bool(said)
        for line in said[:5]:
            print(f"{path.name}: {line}")
        if len(said) > 5:
            print(f"{path.name}: and {len(said) - 5} more")
    share = 100 * equal / total if total else 100.0
    print(f"{len(files)} files, {equal} of {total} rows equal ({share:.2f} %), {different} files differ")
    sys.exit(share < 99.8)


if __name__ == "__main__":
    main()
