"""`python -m bench [NAME ...] [--json FILE]`: run the benchmarks and print their tables.

Every module of this package that has `tables(rounds)` takes part; NAME picks some by module name, also those that print
by themselves (`framing`, `tshark`). With ``--long`` so does what takes minutes: a module's
`long_tables(rounds)`. Contenders that are not installed are named with the command that brings them; all come with
``uv sync --group bench``.
"""

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import time
from pathlib import Path

import bench


def main() -> int:
    """Run; the exit code is 1 when a target was missed and `--strict` was given."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__"
    )
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", nargs="*", help="modules of bench/ to run; all by default")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    parser.add_argument("--rounds", type=int, default=2, help="interleaved rounds of each table (default 2)")
    parser.add_argument("--long", action="store_true", help="also run what takes minutes")
    parser.add_argument("--strict", action="store_true", help="fail when a target is missed")
    options = parser.parse_args()
    if unknown := set(options.name) - set(names):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    machine = {
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }
    for package in ("numpy", "pandas", "pyarrow"):
        machine[package] = getattr(importlib.import_module(package), "__version__", "")
    print("machine:", ", ".join(f"{key} {value}" for key, value in machine.items()))
    begin, done, missed = time.monotonic(), [], 0
    for name in options.name or names:
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "tables"):
            if options.name and hasattr(
                module, "main"
            ):  # one with a print of its own, run when it is asked for
                sys.argv = [f"bench/{name}.py"]
                print(f"\n== {name}: {(module.__doc__ or '').strip().splitlines()[0]}", flush=True)
                module.main()
                done.append({"module": name})
            elif options.name:
                print(f"\n== {name} measures nothing by itself: others use it")
            continue
        tables = [module.tables]
        if options.long and hasattr(module, "long_tables"):
            tables.append(module.long_tables)
        for table in (table for build in tables for table in build(options.rounds)):
            print("\n".join(table.lines()), flush=True)
            missed += sum(table.verdict(target) == "missed" for target in table.targets)
            done.append({"module": name, **table.as_json()})
    print(f"\n{time.monotonic() - begin:.0f} s; {missed} target(s) missed")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "tables": done}, indent=1))
    return int(bool(missed and options.strict))


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line), "?")


if __name__ == "__main__":
    sys.exit(main())
