"""Memory beside the rows: an hour at 1,000/s with all views open, sent as fast as nothing is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.native import helper, send
from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave

HOUR = 3_600_000
QUARTERS = 4
RATE = 50_000
SIZE = 64

#: Listens with the dashboard and the live view open, as in a kernel, but nobody's browser is there. For each line on
#: stdin it prints its memory and what it has received.
_LISTENING = """
import json, sys, time
import gdlab as gd
from gdlab.widgets import render
def rss():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) / 1024
cap = gd.listen('udp://127.0.0.1:0', limit=int(sys.argv[1]))
views = []
if sys.argv[2] == 'views':
    from gdlab.widgets.capture_view import Live
    from gdlab.widgets.message_grid import MessageGrid
    from gdlab.widgets.timeline import TimelinePanel
    views = [gd.dashboard(cap), Live(cap), TimelinePanel(cap), MessageGrid(cap)]
    for view in views:
        view._displayed = True
        if hasattr(view, 'canvas'):
            view.canvas.send = lambda content, buffers=None: None
            view.canvas._handle_custom_msg({'type': 'ready', 'width': 900}, [])
print(cap.port, flush=True)
for line in sys.stdin:
    wanted, until = int(line), time.monotonic() + 30
    while time.monotonic() < until:
        told = cap.statistics()
        if told.received + (told.kernel_drops or 0) >= wanted:
            break
        time.sleep(0.2)
    time.sleep(1.5)  # the views draw once more
    told = {'mb': rss(), 'rows': len(cap), 'received': told.received, 'drops': told.kernel_drops or 0}
    print(json.dumps(told), flush=True)
cap.stop()
"""


def kept(mode: str, messages: int, limit: int, rate: int = RATE, parts: int = QUARTERS) -> Result:
    """Memory after each of some equal parts of the messages."""
    with subprocess.Popen(
        [sys.executable, "-c", _LISTENING, str(limit), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        port, found = int(process.stdout.readline()), {}
        for part in range(1, parts + 1):
            send(port, SIZE, messages // parts, rate)
            process.stdin.write(f"{part * messages // parts}\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            check(
                told["received"] + told["drops"] == part * messages // parts,
                f"{told['received']} rows and {told['drops']} drops are not what was sent",
            )
            found[f"part_{part}"] = told["mb"]
        process.stdin.close()
    return {
        **found,
        "rows": told["rows"],
        "drops": told["drops"],
        "growth": found[f"part_{parts}"] / found[f"part_{parts // 2}"],
    }


def long_tables(_rounds: int, minutes: int = 16, limit: int = 200_000) -> Iterator[Table]:
    """The same in real time."""
    why, views, parts = helper()[1], "all views open", minutes // 2
    run = Contender(views, lambda: kept("views", minutes * 60_000, limit, 1000, parts), why)
    results, missing = interleave([run], 1)
    yield Table(
        f"memory beside the rows: {minutes} minutes at 1,000/s, of which {limit:,} rows are kept",
        [
            *(Metric(f"part_{number}", f"MB after {2 * number} min", 0) for number in range(1, parts + 1)),
            Metric("growth", "last half", 3),
            Metric("rows", "rows kept", 0),
            Metric("drops", "lost", 0),
        ],
        views,
        results,
        missing,
        [Target(views, "growth", most=1.05, source="issue")],
    )


def tables(_rounds: int, messages: int = HOUR, limit: int = 1_000_000) -> Iterator[Table]:
    """The table of this module; an hour of messages takes two minutes."""
    why = helper()[1]
    views, alone = "all views open", "capture alone"
    results, missing = interleave(
        [
            Contender(alone, lambda: kept("alone", messages, limit), why),
            Contender(views, lambda: kept("views", messages, limit), why),
        ],
        1,
    )
    yield Table(
        f"memory beside the rows: an hour at 1,000/s ({messages:,} messages of {SIZE} B, sent at {RATE:,}/s), "
        f"of which {limit:,} rows are kept",
        [
            *(Metric(f"part_{number}", f"MB after {number}/4", 0) for number in range(1, QUARTERS + 1)),
            Metric("growth", "last half", 3),
            Metric("rows", "rows kept", 0),
            Metric("drops", "lost", 0),
        ],
        alone,
        results,
        missing,
        [
            Target(views, "growth", most=1.05, source="issue"),
            Target(alone, "growth", most=1.05, source="issue"),
        ],
    )
