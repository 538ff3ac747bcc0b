"""Changed files: whatever is in one, `gd.load` raises its named error or gives a table, in bounded time.

    python -m bench.fuzz_files --mutations 20000 [--seed 1] [--kind pcap ...]

Bytes are changed, cut out, repeated and exchanged in pcap, pcapng, CSV, Parquet, sidecars and spill folders. What loads
is shown and judged, too.
"""

import argparse
import collections
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import gdlab as gd
from gdlab.errors import GdlabError

KINDS = ("pcap", "pcapng", "csv", "parquet", "sidecar", "spill")


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
    """A small valid file of each kind, and the file of it that is changed."""
    sample = gd.sample("three-players")
    small = sample.df.iloc[:40]
    from gdlab.files import Spill, write_csv, write_parquet, write_pcapng
    from gdlab.store import Limit, Store

    made = {
        "pcap": write_pcapng(small, folder / "a.pcapng"),
        "pcapng": write_pcapng(small, folder / "b.pcapng"),
        "csv": write_csv(small, folder / "c.csv", provenance=sample.provenance),
        "parquet": write_parquet(small, folder / "d.parquet", provenance=sample.provenance),
    }
    made["pcap"] = folder / "a.pcap"
    made["pcap"].write_bytes(_as_pcap(made["pcapng"].read_bytes()))
    aside = write_csv(small, folder / "e.csv", provenance=sample.provenance)
    made["sidecar"] = aside
    store = Store("udp://127.0.0.1:1", Limit())
    with Spill(folder / "spill", provenance=sample.provenance) as spill:
        spill.add(store)
    made["spill"] = folder / "spill"
    changed = dict(made)
    changed["sidecar"] = folder / "e.gdlab.json"
    changed["spill"] = next((folder / "spill").glob("*.json"))
    return made, changed


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


def tried(path):
    """What loading does; the name of the outcome."""
    try:
        found = gd.load(path)
    except GdlabError as error:
        return type(error).__name__
    found.findings()
    len(repr(found))
    return "loaded"


def run(mutations, seed, kinds=KINDS):
    """Outcomes by kind; those that are no named error come with their traceback."""
    outcomes = collections.Counter()
    failures = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name:
        made, changed = prepared(Path(name))
        for kind in kinds:
            whole = changed[kind].read_bytes()
            dice = random.Random(f"{seed} {kind}")
            for number in range(mutations):
                changed[kind].write_bytes(mutated(whole, dice))
                begin = time.process_time()
                try:
                    outcomes[kind, tried(made[kind])] += 1
                except Exception:  # noqa: BLE001 (it is what is looked for)
                    outcomes[kind, "FAILED"] += 1
                    failures.append(f"{kind} {number} (seed {seed}):\n{traceback.format_exc()}")
                slowest = max(slowest, time.process_time() - begin)
            changed[kind].write_bytes(whole)
    return outcomes, failures, slowest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--mutations", type=int, default=20_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", nargs="*", choices=KINDS, default=KINDS)
    asked = parser.parse_args()
    outcomes, failures, slowest = run(asked.mutations, asked.seed, asked.kind)
    for (kind, outcome), count in sorted(outcomes.items()):
        print(f"{kind:8} {outcome:20} {count}")
    for failure in failures[:10]:
        print(failure)
    print(f"{len(failures)} failures; the slowest took {slowest:.1f} s")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
