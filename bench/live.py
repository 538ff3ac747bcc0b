"""The live view while datagrams arrive: what the whole process spends, and whether anything is lost."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.native import helper, send
from bench.rounds import Contender, Metric, Result, Table, Target, check, interleave

RATE = 20_000
SECONDS = 6
SIZE = 64
HZ = 4

#: Listens, with or without a view, until its stdin ends; as in a kernel, but nobody's browser is there.
_LISTENING = """
import json, sys, time
import gdlab
cap = gdlab.listen('udp://127.0.0.1:0')
drawn = 0
if sys.argv[1] == 'browser':
    # The page that asks is played: it has asked once, and counts what it is sent.
    from gdlab.widgets.message_grid import MessageGrid
    from gdlab.widgets.timeline import TimelinePanel
    views = [TimelinePanel(cap), MessageGrid(cap)]
    def told(content, buffers=None):
        global drawn
        drawn += content['type'] == 'data'
    for view in views:
        view._displayed = True  # what no cell has shown is drawn each two seconds only
        view.canvas.send = told
        view.canvas._handle_custom_msg({'type': 'ready', 'width': 900}, [])
if sys.argv[1] == 'live':
    from gdlab.widgets import capture_view, render
    render.renderer.period_s = 1 / float(sys.argv[2])
    capture_view.timeline = None
    view = capture_view.Live(cap)
    view._displayed = True
    def count(change):
        global drawn
        drawn += 1
    view.plot.image.observe(count, 'value')
time.sleep(1.0)
print(cap.port, flush=True)
sys.stdin.readline()
cpu, begin = time.process_time(), time.monotonic()
drawn = 0
sys.stdin.readline()
cpu, wall = time.process_time() - cpu, time.monotonic() - begin
drawings = drawn
time.sleep(0.5)
told = cap.statistics()
print(json.dumps({'received': told.received, 'drops': told.kernel_drops or 0, 'percent': 100 * cpu / wall,
                  'drawn_hz': drawings / wall}))
cap.stop()
"""


def followed(mode: str) -> Result:
    """CPU of a process that listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LISTENING, mode, str(HZ)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        process.stdin.write("begin\n")
        process.stdin.flush()
        send(port, SIZE, RATE * SECONDS, RATE)
        process.stdin.write("end\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
    check(
        told["received"] + told["drops"] == RATE * SECONDS,
        f"{told['received']} rows + {told['drops']} drops are not the {RATE * SECONDS} sent",
    )
    return dict(told)


def tables(rounds: int) -> Iterator[Table]:
    """The table of this module."""
    why = helper()[1]
    live, alone = f"with pictures, asked for {HZ} Hz", "capture alone"
    drawn = "with plots and list of the browser"
    results, missing = interleave(
        [
            Contender(alone, lambda: followed("alone"), why),
            Contender(live, lambda: followed("live"), why),
            Contender(drawn, lambda: followed("browser"), why),
        ],
        rounds,
    )
    yield Table(
        f"{RATE:,}/s arriving for {SECONDS} s: the whole process, without a browser",
        [
            Metric("percent", "% of a core", 1),
            Metric("drops", "lost", 0),
            Metric("drawn_hz", "redraws or answers/s", 1),
        ],
        alone,
        results,
        missing,
        [
            Target(live, "percent", most=30, source="issue"),
            Target(live, "drops", most=0, source="issue"),
            Target(drawn, "drops", most=0, source="issue"),
        ],
    )
