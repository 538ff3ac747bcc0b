"""Shows the same first view in many fresh processes; what goes wrong in one of them is written to standard error.

    python -m tests.widgets.first_views < programs.json

What makes a process slow to start is what it imports. So this one imports it all, starts no thread, and forks: each
child is as fresh as a notebook's kernel whose first cell has just run.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from typing import Any

import matplotlib.figure  # noqa: F401 (what is shown draws)
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import gdlab as gd
import gdlab.plots
import gdlab.widgets
from gdlab.widgets import panel
from gdlab.widgets.render import renderer
from tests.failures import Failures
from tests.waiting import limit, wait_until

#: More than there are cores: whoever shows a view may be interrupted anywhere.
SIDE_BY_SIDE = 4


def show(cells: list[str]) -> list[str]:
    """Run the cells as a notebook does, let the render thread draw what they show, and return what went wrong."""
    failures = Failures.installed()
    if os.getpid() % 2:  # every other one: threads take turns where they would otherwise go on for a while
        sys.setswitchinterval(1e-6)
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for cell in cells:
        outcome = shell.run_cell(cell)
        outcome.raise_error()
    panels = list(panel._panels)
    wait_until(lambda: renderer._thread is None or len(renderer._turns) >= 2)
    gd.stop_all()
    wait_until(lambda: renderer._thread is None)
    return failures.found + [each.error.value for each in panels if each.error.value]


def child(cells: list[str]) -> None:
    """Never returns."""
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        wrong = show(cells)
        for each in wrong:
            print(each, file=sys.stderr)
        status = int(bool(wrong))
    except BaseException:  # noqa: BLE001 (nothing may return into the code of the parent)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> int:
    """Run each program the wanted number of times; return how many runs went wrong."""
    programs: list[dict[str, Any]] = json.load(sys.stdin)
    wanted = [program["cells"] for program in programs for _ in range(program["times"])]
    running: set[int] = set()
    gc.collect()
    gc.freeze()  # or each child looks through all that is imported here, and so copies it
    failed = 0
    deadline = time.monotonic() + limit(240)
    while wanted or running:
        if wanted and len(running) < SIDE_BY_SIDE:
            cells = wanted.pop()
            if (pid := os.fork()) == 0:
                child(cells)
            running.add(pid)
            continue
        pid, status = os.wait()
        running.discard(pid)
        failed += status != 0
        if time.monotonic() > deadline:
            print(f"{len(wanted)} views were not shown in time", file=sys.stderr)
            return failed + len(wanted)
    return failed


if __name__ == "__main__":
    sys.exit(min(100, main()))
