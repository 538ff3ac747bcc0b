"""Every check of the project, in one command; the last lines tell what failed, what ran and what was skipped.

    uv run tests/check.py                     everything
    uv run tests/check.py --portable          without the tests that need an engine, a browser or a kernel
    uv run tests/check.py --quick             before a commit: without those that are marked `slow` either
    uv run tests/check.py tests/store -x      what follows goes to pytest

The checks run side by side in lanes, each with an output of its own: the tests, of which several processes take the
next one as they become free; the tests in a browser, which mostly wait; and the checks that read the source only. The
first lane's output is seen as it comes, the others' when they have ended. In a new environment the tests begin when
one process has compiled what all of them import; else each would.

A test that fails is run once more when everything else has ended. Beside two other lanes a browser, an engine and a
kernel now and then keep one another waiting; what is broken fails twice. What passed only then is named in the summary
as unsteady, and is to be mended.

A test is `slow` if it is exhaustive and takes more than about a third of a second of a processor: many seeds, large
tables, pools of processes, whole lessons. The summary of `--quick` names those that took longer and are not marked,
which is no failure, as it depends on the machine.

The tests download a Godot of their own on Debian and Ubuntu (see `tests/engine.py`) and use a Chromium they find.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = [sys.executable, "-m"]
PORTABLE = "not godot and not browser and not notebook"
QUICK = f"{PORTABLE} and not slow"
#: Seconds of a processor after which `--quick` names a test that is not marked `slow`: well over the rule's third of a
#: second, as a processor that others share takes longer, and who imports a library first pays for all.
TOO_LONG_S = 1.0
#: What pytest returns when no test was selected.
NOTHING_SELECTED = 5
#: What pytest returns when tests ran and some failed.
SOME_FAILED = 1
QUICK_TESTS, ALL_TESTS, BROWSER_TESTS = TESTS = ("tests", "tests and notebooks", "browser tests")
SECOND_RUN = "failed, once more"
COMPILING = "compiling"
#: More failures than this are no accident, and are not tried again.
TRIED_AGAIN = 12
#: Tests that run side by side take longer; a limit is there to end what hangs.
PATIENCE = "4"


@dataclass
class Lane:
    """Commands that run one after the other, beside those of the other lanes."""

    commands: dict[str, list[str]]
    #: Where the output goes; to the terminal if None.
    log: Path | None = None
    status: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    #: Whether its commands import what `compiling` compiles.
    imports: bool = True
    #: Seconds of a processor that each took, with the processes it started and waited for; where that can be asked.
    cpu: dict[str, float] = field(default_factory=dict)

    def run(self, environment: dict[str, str]) -> None:
        """Run them all, also after one has failed."""
        with self.log.open("ab", buffering=0) if self.log else os.fdopen(os.dup(1), "wb", 0) as out:
            for name, command in self.commands.items():
                shown = " ".join(command[1:] if command[0] == sys.executable else command)
                out.write(f"\n== {name}: {shown}\n".encode())
                began = time.monotonic()
                process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
                if hasattr(os, "wait4"):
                    _, status, used = os.wait4(process.pid, 0)
                    process.returncode = os.waitstatus_to_exitcode(status)
                    self.cpu[name] = used.ru_utime + used.ru_stime
                self.status[name] = process.wait()
                self.seconds[name] = time.monotonic() - began


def keep_bytecode(environment: MutableMapping[str, str]) -> None:
    """Let the processes of the tests keep what they compile, in the virtual environment.

    Images for containers often forbid it. Then each kernel, server and program that a test starts would compile pandas,
    matplotlib and IPython anew: two thirds of the processor's time of a small one.
    """
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
        environment.setdefault("PYTHONPYCACHEPREFIX", str(Path(sys.prefix) / "bytecode"))


def compiled(environment: MutableMapping[str, str]) -> bool:
    """Whether processes with this environment find compiled what they import."""
    mine = sys.pycache_prefix
    sys.pycache_prefix = environment.get("PYTHONPYCACHEPREFIX")
    try:
        # Not of `importlib.util`, which tells where a module that is imported here has come from.
        found = importlib.machinery.PathFinder.find_spec("pandas")
        return bool(found and found.cached and Path(found.cached).exists())
    finally:
        sys.pycache_prefix = mine


def static() -> dict[str, list[str]]:
    """The checks that read the source only."""
    return {
        "format": [*PYTHON, "ruff", "format", "--check", "."],
        "lint": [*PYTHON, "ruff", "check", "."],
        "imports": [str(BIN / "lint-imports")],
        "types": [*PYTHON, "mypy"],
    }


def lanes(*, only: str | None, workers: int, more: list[str], folder: Path) -> list[Lane]:
    """What runs side by side; the first lane is the one that is seen. `only` are markers, for some of the tests."""
    side_by_side = [*PYTHON, "pytest", "-q", "-n", str(workers), "--dist", "loadgroup", *more]
    read_only = Lane(static(), folder / "static", imports=False)
    if only:
        return [Lane({QUICK_TESTS: [*side_by_side, "-m", only]}), read_only]
    # A browser, its JupyterLab and the event loop that drives them are shared by all its tests, in one process.
    # Only their own folder is collected, unless another is named; `tests/conftest.py` lets none be elsewhere.
    where = more if any(not option.startswith("-") for option in more) else [*more, "tests/browser"]
    browser = Lane({BROWSER_TESTS: [*PYTHON, "pytest", "-q", *where, "-m", "browser"]}, folder / "browser")
    return [Lane({ALL_TESTS: [*side_by_side, "-m", "not browser"]}), browser, read_only]


def compiling(folder: Path) -> Lane:
    """Collect the tests, which imports, and so compiles, most of what they do; what is wrong there they tell anew."""
    return Lane({COMPILING: [*PYTHON, "pytest", "-q", "--collect-only"]}, folder / "compiling")


def run_together(together: list[Lane], environment: dict[str, str], first: Lane | None = None) -> None:
    """Run lanes side by side, `first` before those that import; print the output of all but the one that is seen."""
    threads = [threading.Thread(target=lane.run, args=(environment,)) for lane in together]
    for lane, thread in zip(together, threads, strict=True):
        if not lane.imports:
            thread.start()
    if first:
        first.run(environment)
    for lane, thread in zip(together, threads, strict=True):
        if lane.imports:
            thread.start()
    for lane, thread in zip(together, threads, strict=True):
        thread.join()
        if lane.log:
            sys.stdout.write(lane.log.read_text(encoding="utf-8", errors="replace"))
            sys.stdout.flush()


def counted(*files: Path) -> dict[str, tuple[int, int]]:
    """How many tests of each real part ran and were skipped, in all lanes together."""
    ran: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    for line in lines:
        for part, (some, others) in json.loads(line).items():
            ran[part] += some
            skipped[part] += others
    return {part: (ran[part], skipped[part]) for part in ran}


def failures(file: Path) -> list[str]:
    """The tests that failed, in all lanes together."""
    return sorted({json.loads(line) for line in file.read_text().splitlines()}) if file.exists() else []


def too_long(file: Path) -> list[str]:
    """The tests that took longer than a quick one should, the longest first."""
    if not file.exists():
        return []
    took = sorted((json.loads(line) for line in file.read_text().splitlines()), reverse=True)
    return [f"{name} took {seconds:.1f} s of a processor and is not marked `slow`" for seconds, name in took]


def try_again(failed: list[str], more: list[str], environment: dict[str, str], counts: Path) -> Lane:
    """Run some tests once more, with nothing beside them."""
    options = [one for one in more if one.startswith("-")]
    again = Lane({SECOND_RUN: [*PYTHON, "pytest", "-q", *options, *failed]})
    again.run({**environment, "GDLAB_TEST_COUNTS": str(counts)})
    return again


def main() -> int:
    """Run the checks; return 0 when all passed."""
    parser = argparse.ArgumentParser(description="Run every check of the project.")
    some = parser.add_mutually_exclusive_group()
    some.add_argument(
        "--portable",
        dest="only",
        action="store_const",
        const=PORTABLE,
        help="leave out engine, browser and notebooks",
    )
    some.add_argument(
        "--quick", dest="only", action="store_const", const=QUICK, help="leave out the slow ones, too"
    )
    parser.add_argument(
        "--workers", type=int, help="test processes side by side; by default one more than cores"
    )
    options, more = parser.parse_known_args()
    # One more than cores: tests that wait for an engine, a kernel or a network leave theirs to others.
    workers = options.workers or (os.cpu_count() or 2) + 1
    with tempfile.TemporaryDirectory(prefix="gdlab-check-") as temporary:
        folder = Path(temporary)
        environment = {
            **os.environ,
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "GDLAB_TEST_COUNTS": str(folder / "counts"),
            "GDLAB_TEST_PATIENCE": os.environ.get("GDLAB_TEST_PATIENCE", PATIENCE),
        }
        keep_bytecode(environment)
        together = lanes(only=options.only, workers=workers, more=more, folder=folder)
        began = time.monotonic()
        first = None if more or compiled(environment) else compiling(folder)
        run_together(together, environment, first)
        unsteady: list[str] = []
        failed_first = failures(folder / "counts.failed")
        if 0 < len(failed_first) <= TRIED_AGAIN:
            again = try_again(failed_first, more, environment, folder / "again")
            if again.status[SECOND_RUN] == 0:
                unsteady = failed_first
                for lane in together:
                    lane.status = {
                        name: 0 if status == SOME_FAILED and name in TESTS else status
                        for name, status in lane.status.items()
                    }
            together.append(again)
        counts = counted(folder / "counts", folder / "again")
        long = too_long(folder / "counts.long") if options.only == QUICK else []
    passed = {0, NOTHING_SELECTED} if more else {0}
    print("\n== summary")
    failed = False
    for lane in together:
        for name, status in lane.status.items():
            failed |= status not in passed
            cpu = f", {lane.cpu[name]:.0f} s of a processor" if name in lane.cpu else ""
            print(
                f"{name:<20} {'passed' if status in passed else 'FAILED'} in {lane.seconds[name]:.0f} s{cpu}"
            )
    if first:
        print(
            f"{COMPILING:<20} {first.seconds[COMPILING]:.0f} s, {sum(first.cpu.values()):.0f} s of a processor"
        )
    all_lanes = [*together, first] if first else together
    took, cpu = time.monotonic() - began, sum(sum(lane.cpu.values()) for lane in all_lanes)
    # Lanes are bound by the processor: what idles here waits for something that it need not wait for.
    busy = f", cores busy for {100 * cpu / took / (os.cpu_count() or 1):.0f} % of it" if cpu else ""
    print(f"{'all together':<20} {took:.0f} s{busy}")
    for name in unsteady:
        print(f"unsteady: {name} failed beside the others and passed alone")
    for line in long:
        print(line)
    for part, (ran, skipped) in counts.items():
        print(f"{part}: {ran} ran, {skipped} skipped")
    print("some checks failed; their output is above" if failed else "all checks passed")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
