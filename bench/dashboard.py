"""The views in a real browser while 20,000 messages per second arrive: what they cost, how often they draw, how soon a
click is answered, and whether anything is lost.

JupyterLab, its kernel, Chromium and the sender share the cores of this machine, as they do on a user's.
"""

import contextlib
import functools
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil

from bench.native import helper
from bench.rounds import Contender, Metric, Result, Table, Target, bring, check, interleave
from tests.browser import kernels, lab
from tests.waiting import wait_until

RATE_HZ, SIZE = 20_000, 64
WARM_S, MEASURED_S = 4.0, 10.0
CLICKS = 5  # rounds

NOTHING, LIVE = "capture alone", "live view"
DRAWN, PICTURES = "dashboard drawn in the browser", "dashboard of pictures"
SHOWN = {NOTHING: "cap.addresses", LIVE: "cap", PICTURES: "gd.dashboard()", DRAWN: "gd.dashboard()"}
DASHBOARDS = (PICTURES, DRAWN)

#: Rows over which the drawn plots are zoomed while more arrive, and turns of the wheel there.
ZOOMED_ROWS, ZOOMS = 1_000_000, 40

#: Counts changes of pictures and of text in the view, at most one an animation frame: what an eye can see.
WATCH = """() => {
  const view = document.querySelector('.gdlab-dashboard, .gdlab-live');
  window.gdlab = {pictures: 0, tables: 0, anything: 0};
  if (!view) return;
  let seen = new Set();
  const flush = () => { for (const what of seen) window.gdlab[what]++; seen = new Set(); };
  new MutationObserver(changes => {
    if (!seen.size) requestAnimationFrame(flush);
    seen.add('anything');
    for (const change of changes) {
      const node = change.target.nodeType === 1 ? change.target : change.target.parentElement;
      if (change.type === 'attributes' && node.tagName === 'IMG') seen.add('pictures');
      else if (node && node.closest('table, select, .gdlab-gr')) seen.add('tables');
    }
  }).observe(view, {subtree: true, childList: true, characterData: true, attributes: true,
                    attributeFilter: ['src']});
}"""

#: Clicks a button, known by its words, and gives the milliseconds until the kernel's answer is on the screen.
CLICK = """async ([words, answered]) => {
  const view = document.querySelector('.gdlab-dashboard');
  const button = [...view.querySelectorAll('button')].find(button => button.innerText.trim() === words);
  const done = new Function('view', 'return ' + answered);
  const began = performance.now();
  button.click();
  while (!done(view)) {
    if (performance.now() - began > 20000) throw new Error('no answer within 20 s to a click on ' + words);
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""

#: What is clicked in turn, and what the kernel then shows: another part.
ROUND = (
    ("Counters", "view.querySelector('.gdlab-counters')?.offsetParent"),
    ("Messages", "view.querySelector('.gdlab-messages, .gdlab-grid')?.offsetParent"),
)

#: Shows all that is kept, then turns the wheel at some place, in and out; gives the milliseconds from each turn until
#: the kernel's answer is drawn.
ZOOM = """async (times) => {
  const root = document.querySelector('.gdlab-tl'), stage = root.querySelector('.gdlab-tl-stage');
  const frame = () => new Promise(requestAnimationFrame);
  const answered = async (act) => {
    const began = performance.now();
    delete root.dataset.answeredMs;
    act();
    while (!root.dataset.answeredMs) {
      if (performance.now() - began > 20000) throw new Error('no answer within 20 s to the wheel');
      await frame();
    }
    await frame();
    return performance.now() - began;
  };
  await answered(() => stage.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true})));
  const box = stage.getBoundingClientRect(), took = [];
  for (let i = 0; i < times; i++) {
    const x = box.left + box.width * (0.2 + 0.6 * ((i * 7) % 10) / 10);
    took.push(await answered(() => stage.dispatchEvent(new WheelEvent('wheel',
      {deltaY: i % 8 < 5 ? -300 : 300, clientX: x, clientY: box.top + 60, bubbles: true, cancelable: true}))));
    await new Promise((done) => setTimeout(done, 100));
  }
  return took;
}"""


class Traffic:
    """What crosses the WebSocket between the server and the page, from Chromium's own counters."""

    def __init__(self, context: Any, page: Any) -> None:
        self.frames = self.bytes = 0
        session = context.new_cdp_session(page)
        session.on("Network.webSocketFrameReceived", self._count)
        session.send("Network.enable")

    def _count(self, event: dict[str, Any]) -> None:
        frame = event["response"]
        self.frames += 1
        # Binary frames come in base64.
        size = len(frame["payloadData"])
        self.bytes += size if frame["opcode"] == 1 else size * 3 // 4


class Browser:
    """A JupyterLab and a Chromium that all contenders use, one after another."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        from playwright.sync_api import sync_playwright

        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gdlab-bench-")))
        (base / "work").mkdir()
        self.server = stack.enter_context(
            lab.server(
                base / "work",
                base / "home",
                ["jupyterlab", "--allow-root", "--MappingKernelManager.buffer_offline_messages=False"],
                kernels=kernels.kernelspecs(None),
            )
        )
        playwright = stack.enter_context(sync_playwright())
        path = lab.chromium()
        assert path is not None
        chromium = lab.launch(playwright, path)
        stack.callback(chromium.close)
        self.context = chromium.new_context(viewport={"width": 1600, "height": 1400})

    def notebook(self, cells: list[str]) -> lab.Notebook:
        """Open a notebook of these cells."""
        name = f"bench-{len(list(self.server.folder.iterdir()))}.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": kernels.NEWEST, "display_name": "", "language": "python"}
        nbformat.write(notebook, self.server.folder / name)
        return lab.Notebook(self.context.new_page(), self.server, name)


def cpu_s(processes: list[psutil.Process]) -> float:
    """CPU time of processes, all threads."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


#: Threads of the kernel that the capture itself needs.
RECEIVERS = (
    "[t.native_id for t in __import__('threading').enumerate() "
    "if t.name.startswith('gdlab') and t.name != 'gdlab render']"
)


def others_s(kernel: psutil.Process, receivers: list[int]) -> float:
    """CPU time of the threads that do not receive: what draws and speaks to the page, and a kernel's own."""
    tasks = Path(f"/proc/{kernel.pid}/task")
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9
        for task in tasks.iterdir()
        if int(task.name) not in receivers
    )


def chromiums() -> list[psutil.Process]:
    """All processes of our browser."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                found.append(process)
    return found


def measured(browser: Browser, who: str) -> Result:
    """One run of one contender, with a kernel of its own."""
    binary, why = helper()
    check(binary is not None, why)
    views = "import os\nos.environ['GDLAB_VIEWS'] = 'pictures'\n" if who == PICTURES else ""
    listen = "import gdlab as gd\ncap = gd.listen('udp://127.0.0.1:0', limit=10_000_000)"
    notebook = browser.notebook([views + listen, SHOWN[who]])
    page = notebook.page
    try:
        notebook.run_all_to_the_end()
        kernel = psutil.Process(notebook.ask("__import__('os').getpid()"))
        port = int(notebook.ask("cap.addresses[0]").rpartition(":")[2])
        if who != NOTHING:
            page.locator(".gdlab-dashboard, .gdlab-live").first.wait_for(timeout=30_000)
        page.evaluate(WATCH)
        count = int(RATE_HZ * (WARM_S + 2 * MEASURED_S + 4))
        if who == DRAWN:
            count = ZOOMED_ROWS + int(RATE_HZ * (2 * MEASURED_S))
        command = [str(binary), "send", str(port), str(SIZE), str(count), str(RATE_HZ)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            page.wait_for_timeout(1000 * WARM_S)
            crossed = Traffic(browser.context, page)
            receivers = notebook.ask(RECEIVERS)
            pages, drawn = chromiums(), page.evaluate("window.gdlab")
            began, kernel_s, browser_s = time.monotonic(), cpu_s([kernel]), cpu_s(pages)
            others = others_s(kernel, receivers)
            page.wait_for_timeout(1000 * MEASURED_S)
            seconds = time.monotonic() - began
            result = {
                "kernel": 100 * (cpu_s([kernel]) - kernel_s) / seconds,
                "others": 100 * (others_s(kernel, receivers) - others) / seconds,
                "browser": 100 * (cpu_s(pages) - browser_s) / seconds,
                "kb_per_s": crossed.bytes / seconds / 1000,
                "frames_per_s": crossed.frames / seconds,
            }
            now = page.evaluate("window.gdlab")
            if who != NOTHING:
                for what, heading in (("pictures", "pictures_hz"), ("tables", "tables_hz")):
                    result[heading] = (now[what] - drawn[what]) / seconds
            if who in (DRAWN, LIVE):  # a canvas tells by itself how often it was drawn
                result["pictures_hz"] = float(page.locator(".gdlab-tl").get_attribute("data-redraws-hz") or 0)
            answers = clicks(page, who)
            check(sender.poll() is None, "the stream ended before the clicks did")
            if answers:
                result["click_ms"] = statistics.median(answers)
                result["slowest_click_ms"] = max(answers)
            if who == DRAWN:
                wait_until(lambda: notebook.ask("cap.statistics().received") >= ZOOMED_ROWS, 120)
                zoomed = page.evaluate(ZOOM, ZOOMS)
                result["zoom_ms"], result["slowest_zoom_ms"] = statistics.median(zoomed), max(zoomed)
            sent, _ = sender.communicate(timeout=120)
            check(int(sent.split()[0]) == count, f"the sender sent {sent}")
        with contextlib.suppress(AssertionError):  # what is missing then is lost
            wait_until(lambda: notebook.ask("cap.statistics().received") == count, 10)
        received, drops = notebook.ask("(cap.statistics().received, cap.statistics().kernel_drops)")
        check(received + drops == count, f"{received} rows and {drops} drops are not the {count} sent")
        result["lost"] = drops
        result["memory_mb"] = kernel.memory_info().rss / 1e6
    finally:
        page.close()
        browser.server.end_kernels()
    return result


def clicks(page: Any, who: str) -> list[float]:
    """Milliseconds until the kernel's answers to clicks are seen; the first round, which makes parts, among them."""
    if who not in DASHBOARDS:
        return []
    answers = []
    for _ in range(CLICKS):
        for words, answered in ROUND:
            answers.append(page.evaluate(CLICK, [words, answered]))
            page.wait_for_timeout(100)
    return answers


def missing() -> str:
    """Why nothing can be measured here; empty where it can."""
    if importlib.util.find_spec("playwright") is None:
        return bring("playwright")
    if lab.chromium() is None:
        return bring("chromium", program=True)
    if sys.platform != "linux":
        return "processes are measured as Linux counts them"
    return helper()[1]


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    why = missing()
    with contextlib.ExitStack() as stack:
        browser = None if why else Browser(stack)
        contenders = [
            Contender(who, functools.partial(measured, browser, who) if browser else None, why)
            for who in SHOWN
        ]
        results, absent = interleave(contenders, rounds)
    for runs in results.values():
        for run, alone in zip(runs, results[NOTHING], strict=True):
            run["views"] = run["others"] - alone["others"]
    yield Table(
        f"Views in Chromium, {RATE_HZ:,} UDP datagrams of {SIZE} B a second arriving, over {MEASURED_S:g} s",
        [
            Metric("kernel", "kernel % of a core", 1),
            Metric("views", "of it for views", 1),
            Metric("browser", "browser %", 1),
            Metric("kb_per_s", "kB/s to the page", 0),
            Metric("frames_per_s", "frames/s", 1),
            Metric("pictures_hz", "redraws/s", 1),
            Metric("tables_hz", "tables/s", 1),
            Metric("click_ms", "click ms, median", 0),
            Metric("slowest_click_ms", "slowest", 0),
            Metric("zoom_ms", "zoom ms, median", 0),
            Metric("slowest_zoom_ms", "slowest", 0),
            Metric("memory_mb", "kernel MB", 0),
            Metric("lost", "lost", 0),
        ],
        NOTHING,
        results,
        absent,
        [
            Target(DRAWN, "click_ms", most=300, source="issue"),
            Target(DRAWN, "slowest_click_ms", most=300, source="issue"),
            Target(DRAWN, "pictures_hz", least=15, source="issue"),
            Target(DRAWN, "zoom_ms", most=100, source="issue"),
            Target(DRAWN, "lost", most=0, source="issue"),
            Target(DRAWN, "views", most=4, source="issue"),
            Target(DRAWN, "browser", most=1, against=PICTURES, source="issue"),
        ],
        [
            "the browser draws in software here; kernel, browser, server and sender share the cores",
            "for views: what the threads of the kernel spend that do not receive, beyond those of the capture alone",
            "the list of messages is replaced at most 2.5 times per second, as nobody could read or click it otherwise",
        ],
    )
