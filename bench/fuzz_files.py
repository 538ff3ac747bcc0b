"""Changed files: whatever is in one, `gd.load` raises its named error or gives a table, in bounded time and memory.

    python -m bench.fuzz_files --mutations 20000 [--seed 1] [--kind pcap ...]

Bytes are changed, cut out, repeated and exchanged in pcap, pcapng, CSV, Parquet, sidecars, descriptions and streams of
spill folders. What loads is shown, and some of it judged, too. A mutation takes about 10 ms: 20,000 of each kind half
an hour.
"""

import argparse
import collections
import random
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

import gdlab as gd
from gdlab.errors import GdlabError

KINDS = ("pcap", "pcapng", "csv", "parquet", "sidecar", "spill", "stream")

#: What no changed file may take.
MOST_S, MOST_MIB = 5, 2048
#: How many are loaded for each one whose findings are looked at, which take ten times as long.
EVERY = 100
#: The base files hold no message longer than this, so that changes hit what has a meaning.
MOST_BYTES = 1000
#: Mutations between two lines that tell how far it is.
TOLD = 5000


def mutated(data, dice):
    """The bytes with a few changes."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        if not changed:
            break
        at = dice.randrange(len(changed))
        kind = dice.randrange(6)
        if kind < 2:
            changed[at] = dice.choice([0, 1, 4, 0x7F, 0x80, 0xFF, dice.randrange(256)])
        elif kind == 2:
            del changed[at : at + dice.randint(1, 40)]
        elif kind == 3:
            changed[at:at] = changed[at : at + dice.randint(1, 40)]
        elif kind == 4:
            changed[at : at + 4] = dice.choice(
                [b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\x80", b"\xff\xff\xff\x7f"]
            )
        else:
            del changed[at:]
    return bytes(changed)


def prepared(folder):
    """A small valid file of each kind; the file of it that is changed; and what may stand in it, of several forms."""
    from gdlab.files import write_csv, write_parquet, write_pcapng

    sample = gd.sample("three-players")
    small = sample.df.iloc[:40]
    captures = []
    for name in ("three-players", "tcp-json", "ws-endings"):
        table = gd.sample(name).df
        table = table[table["size_bytes"] <= MOST_BYTES].iloc[:30]
        captures.append(write_pcapng(table, folder / f"{name}.pcapng").read_bytes())
    foreign = [_as_pcap(each) for each in captures]
    made = {
        "pcap": folder / "a.pcap",
        "pcapng": folder / "b.pcapng",
        "csv": write_csv(small, folder / "c.csv", provenance=sample.provenance),
        "parquet": write_parquet(small, folder / "d.parquet", provenance=sample.provenance),
        # What is beside the rows is changed here, so there are few of them.
        "sidecar": write_csv(small.iloc[:8], folder / "e.csv", provenance=sample.provenance),
        "spill": _spilled(small.iloc[:8], folder / "spill", sample.provenance),
        "stream": _spilled(small, folder / "stream", sample.provenance),
    }
    changed = made | {
        "sidecar": folder / "e.gdlab.json",
        "spill": next(made["spill"].glob("*.json")),
        "stream": next(made["stream"].glob("*.arrow")),
    }
    contents = {kind: [path.read_bytes()] for kind, path in changed.items() if path.exists()}
    contents |= {"pcap": foreign, "pcapng": captures + [_as_others_write(each) for each in captures]}
    return made, changed, contents


def _spilled(table, folder, provenance):
    """A spill folder with the messages of a table."""
    from gdlab.files import Spill
    from gdlab.store import Limit, Store

    store = Store("udp://127.0.0.1:1", Limit())
    with Spill(folder, provenance=provenance) as spill:
        spill.add(store)
        times = table["time"].astype("int64")
        for time_ns, peer, payload in zip(times, table["peer"].astype(str), table["payload"], strict=True):
            store.append(time_ns, store.peer_code(peer), payload)
            if len(payload) % 7 == 0:
                spill.flush()
    return folder


def _as_others_write(pcapng):
    """The same packets in a pcapng that does not say it is ours, so that it is read as anybody's."""
    return pcapng.replace(b"gdlab", b"other")


def _as_pcap(pcapng):
    """The packets of our own pcapng as pcap."""
    import struct

    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    at = 0
    while at < len(pcapng):
        kind, length = struct.unpack_from("<II", pcapng, at)
        if kind == 6:
            _, high, low, size, original = struct.unpack_from("<IIIII", pcapng, at + 8)
            seconds, fraction = divmod(high << 32 | low, 10**9)
            out.append(
                struct.pack("<IIII", seconds, fraction, size, original) + pcapng[at + 28 : at + 28 + size]
            )
        at += length
    return b"".join(out)


def tried(path, judged=True):
    """What loading does; the name of the outcome."""
    try:
        found = gd.load(path)
    except GdlabError as error:
        return type(error).__name__
    len(repr(found))
    if judged:
        found.findings()
    return "loaded"


def run(mutations, seed, kinds=KINDS):
    """Outcomes by kind; those that are no named error come with their traceback."""
    outcomes = collections.Counter()
    failures = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        made, changed, contents = prepared(Path(name))
        for kind in kinds:
            dice = random.Random(f"{seed} {kind}")
            for number in range(mutations):
                whole = contents[kind][number % len(contents[kind])]
                changed[kind].write_bytes(mutated(whole, dice))
                begin = time.process_time()
                try:
                    outcomes[kind, tried(made[kind], number % EVERY == 0)] += 1
                except Exception:  # noqa: BLE001 (it is what is looked for)
                    outcomes[kind, "FAILED"] += 1
                    failures.append(f"{kind} {number} (seed {seed}):\n{traceback.format_exc()}")
                slowest = max(slowest, time.process_time() - begin)
                if not (number + 1) % TOLD:
                    print(
                        f"{kind} {number + 1}: {len(failures)} failures, slowest {slowest:.2f} s", flush=True
                    )
            changed[kind].write_bytes(contents[kind][0])
    return outcomes, failures, slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mutations", type=int, default=20_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", nargs="*", choices=KINDS, default=KINDS)
    asked = parser.parse_args()
    outcomes, failures, slowest, memory = run(asked.mutations, asked.seed, asked.kind)
    for (kind, outcome), count in sorted(outcomes.items()):
        print(f"{kind:8} {outcome:20} {count}")
    for failure in failures[:10]:
        print(failure)
    print(
        f"{len(failures)} failures; the slowest took {slowest:.2f} s of CPU; {memory} MiB of memory at most"
    )
    sys.exit(bool(failures) or slowest > MOST_S or memory > MOST_MIB)


if __name__ == "__main__":
    main()
