"""Every notebook, in both languages, runs in a kernel, with a Godot and with none, and closes what it opened.

Its code is the same in both (`tests/course/test_in_chinese.py` shows that), so it runs with a Godot in one language and
without in the other, half of the notebooks one way and half the other way. Those that ask for no engine run once,
beside a program in its place that notes whether it was started. All four are run with ``GDLAB_EXPLORE=1``.
The third form, where there are no threads and sockets, is in `test_without_threads.py`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import socket
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest

import gdlab as gd
from gdlab import course
from gdlab.course.checking import LESSONS, questions
from gdlab.course.handout import shipped
from tests import ports, warm
from tests.waiting import limit

NOTEBOOKS = {language: sorted(shipped(language).glob("*.ipynb")) for language in ("en", "zh")}
LESSON_FILES = [path for path in NOTEBOOKS["en"] if path.stem[:2] in LESSONS]

#: What the notebooks say in each language: an open exercise, a solved one, calls thrown away, another method that runs.
SAYS = {
    "en": {
        "open": "Not answered yet",
        "right": "Right.",
        "thrown away": "threw away 219 of 545",
        "other": "only_server runs owners",
    },
    "zh": {
        "open": "还没有回答",
        "right": "正确",
        "thrown away": "545 个不可靠数据包中的 219 个",
        "other": "only_server 执行 owners",
    },
}

#: These ask for no engine: with one and without one they are the same.
WITHOUT_AN_ENGINE = {"08-what-the-game-does", "09-multiplayer", "11-who-lost-it", "12-clocks", "13-playable"}

#: What lessons write to standard error on purpose, in outputs: the server whose handler fails reports that.
ON_STDERR = {"05-websocket": 1}

#: A cell of ours behind the last one: what the lesson opened, it has closed.
CLOSED = """
import threading
names = [thread.name for thread in threading.enumerate()]
left = [name for name in names if name.startswith("gdlab") and name != "gdlab render"]
assert not left, left
"""


def free_port() -> int:
    """A port that nobody holds at the moment, neither of UDP nor of TCP, and that no client will be given."""
    while True:
        with ports.bound(socket.SOCK_DGRAM) as udp, socket.socket() as tcp, contextlib.suppress(OSError):
            tcp.bind(udp.getsockname())
            return int(tcp.getsockname()[1])


#: What a stand-in for an engine leaves when it is started.
STARTED = "an engine was started"


def noting_engine(folder):
    """A program that only notes that it was started."""
    program = folder / "engine"
    program.write_text(f'#!/bin/sh\n: > "{folder / STARTED}"\n')
    program.chmod(0o755)
    return program


def outputs(notebook, mime):
    return [
        output["data"][mime]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if mime in output.get("data", {})
    ]


def forms():
    """Each notebook with and without Godot, and in each language."""
    for place, path in enumerate(NOTEBOOKS["en"]):
        for language, source in itertools.product(NOTEBOOKS, ("embedded", "godot")):
            usual = ((language, source) in {("en", "embedded"), ("zh", "godot")}) == bool(place % 2)
            usual &= source == "embedded" or path.stem not in WITHOUT_AN_ENGINE
            if usual or os.environ.get("GDLAB_EXPLORE") == "1":
                marks = [pytest.mark.godot] if source == "godot" else []
                yield pytest.param(path.stem, language, source, marks=marks)


@pytest.mark.notebook
@pytest.mark.parametrize(("name", "language", "source"), list(forms()))
def test_it_runs_top_to_bottom(name, language, source, warm_kernels, request, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(warm_kernels))
    monkeypatch.setenv("GDLAB_LANG", language)
    if source == "godot":
        monkeypatch.setenv("GDLAB_GODOT", str(request.getfixturevalue("engine").path))
    else:
        engine = noting_engine(tmp_path) if name in WITHOUT_AN_ENGINE else ""
        monkeypatch.setenv("GDLAB_GODOT", str(engine))
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setenv("MPLCONFIGDIR", mpl.get_cachedir())  # or it looks for all fonts once more
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("GDLAB_TRAFFIC", raising=False)
    text = (shipped(language) / f"{name}.ipynb").read_text(encoding="utf-8")
    # Somebody may be using the lessons' own ports on this machine.
    own = {port: str(free_port()) for port in ("4242", "4243", "4220", "4221", "4270", "5000", "50007")}
    text = re.sub(rf"(?<=:)(?:{'|'.join(own)})(?!\d)", lambda found: own[found[0]], text)
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(CLOSED))
    with warnings.catch_warnings():
        # Of the kernel's own transport libraries, some versions of which warn about each other.
        warnings.simplefilter("ignore")
        from nbclient import NotebookClient

        client = NotebookClient(
            notebook,
            timeout=limit(90),
            kernel_name=warm.NAME,
            resources={"metadata": {"path": str(tmp_path)}},
        )
        asyncio.run(client.async_execute())
    errors = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "error"
    ]
    assert not errors
    assert not (tmp_path / STARTED).exists()
    complaints = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert len(complaints) <= ON_STDERR.get(name, 0), complaints
    said = " ".join(outputs(notebook, "text/plain"))
    printed = "".join(o["text"] for c in notebook.cells for o in c.get("outputs", ()) if "text" in o)
    assert len(outputs(notebook, "image/png")) == PICTURES.get(name, 0)
    # The exercises are open, and say so.
    asked = questions(name[:2]) if name[:2] in LESSONS else {}
    says = SAYS[language]
    assert re.findall(rf"(\d\d\.\d) {says['open']}", said) == list(asked)
    seen = Seen(said, printed, source == "godot", " ".join(outputs(notebook, "text/html")), tmp_path, says)
    CHECKS.get(name, lambda _: None)(seen)


@dataclass
class Seen:
    """What a notebook has shown: texts, what was printed, HTML; whether a Godot played; where its files are."""

    said: str
    printed: str
    real: bool
    pages: str
    folder: Path
    says: dict[str, str]


def first_packet(seen):
    assert ("the embedded source" in seen.said) is not seen.real
    assert "The answer is... 42!" in seen.said + seen.pages
    assert (seen.folder / "first-packet.csv").is_file()


def latency_and_frames(seen):
    assert ("the embedded source" in seen.said) is not seen.real
    assert "certainty" in seen.said  # what is found depends on how evenly this machine runs


def tcp_is_a_stream(seen):
    assert "hi~hi~" in seen.said
    assert ("<Program tcp_positions: Godot 4" in seen.printed) is seen.real
    reads, good = map(int, re.findall(r"60 messages, (\d+) reads, (\d+) of them", seen.printed)[0])
    assert good < reads
    assert "glued-or-split" in seen.said


def variant_sizes(seen):
    assert ("No Godot to ask" in seen.printed) is not seen.real
    told = dict(re.findall(r"^([\w\[\]]+): ([\d.]+) bytes an element", seen.printed, re.MULTILINE))
    if seen.real:
        assert told == {"Array": "24.0", "Array[int]": "24.0", "PackedInt64Array": "8.0"}


def websocket(seen):
    assert ("<Program ws_client: Godot 4" in seen.printed) is seen.real
    assert "missing 1 required positional argument: 'path'" in seen.printed
    assert "closed with code 1011" in seen.said
    assert "closed with code 1000 done" in seen.said
    assert "closed with code 1009 Message too big" in seen.said
    assert "close-1006" in seen.said


def where_packets_die(seen):
    assert ("<Program udp_one_a_frame: Godot 4" in seen.printed) is seen.real
    runs = [
        dict(re.findall(r"^(in|out) +(\d+)$", text, re.MULTILINE)) for text in seen.said.split("direction")
    ]
    broken, mended = [{name: int(n) for name, n in run.items()} for run in runs if len(run) == 2][:2]
    assert broken["in"] < broken["out"] == 150
    assert mended == {"in": 150, "out": 150}
    assert "read: 0 1 5 8" in seen.printed


def csv_and_report(seen):
    assert ("<Program player: Godot 4" in seen.printed) is seen.real
    assert (seen.folder / "report" / "report.html").is_file()
    assert seen.printed.count("True") == 1


def what_the_game_does(seen):
    assert "slow-game-frame" in seen.said or "frame took 185 ms" in seen.said + seen.pages
    assert "find_path" in seen.said + seen.pages


def multiplayer(seen):
    told = " ".join(seen.said.split())
    assert seen.says["thrown away"] in told
    assert seen.says["other"] in told


def five_networks(seen):
    assert ("<Program player: Godot 4" in seen.printed) is seen.real
    assert "11 messages were sent again" in seen.printed
    assert "satellite-geo" in seen.said


def who_lost_it(seen):
    assert "78 lost in" in seen.printed
    assert f"mystery {seen.says['right']}" in seen.said
    shown, true = (re.search(rf"{name}: +([\d ]+)", seen.printed)[1].split() for name in ("measured", "true"))
    assert shown == true
    assert len(true) == 9
    assert f"mystery {seen.says['open']}" in seen.said
    grade = json.loads((seen.folder / "mystery.json").read_text())
    assert (grade["student"], grade["how"], grade["points"]) == ("your name", "relay", 0)
    assert grade["measured"]["up"]["entered"] == 600


CHECKS = {
    "01-first-packet": first_packet,
    "02-latency-and-frames": latency_and_frames,
    "03-tcp-is-a-stream": tcp_is_a_stream,
    "04-variant-sizes": variant_sizes,
    "05-websocket": websocket,
    "06-loss": where_packets_die,
    "07-capture-to-report": csv_and_report,
    "08-what-the-game-does": what_the_game_does,
    "09-multiplayer": multiplayer,
    "10-five-networks": five_networks,
    "11-who-lost-it": who_lost_it,
}

PICTURES = {
    "01-first-packet": 2,
    "02-latency-and-frames": 6,
    "04-variant-sizes": 2,
    "05-websocket": 1,
    "06-loss": 2,
    "07-capture-to-report": 2,
    "08-what-the-game-does": 3,
    "09-multiplayer": 2,
    "10-five-networks": 2,
    "11-who-lost-it": 1,
    "12-clocks": 1,
    "13-playable": 1,
}


@pytest.mark.parametrize("path", LESSON_FILES, ids=lambda path: path.stem)
def test_a_lesson_has_the_course_s_form(path):
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source
    assert re.match(rf"# {int(path.stem[:2])}\. .+\n\n\*\*.+\?\*\*\n", first)
    assert re.search(r"^\| it takes \| \d+ minutes, with (four|five) exercises \|$", first, re.MULTILINE)
    assert "no Godot, no internet" in first
    assert "## What you know now" in notebook.cells[-1].source
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    asked = list(questions(path.stem[:2]))
    assert {4: "four", 5: "five"}[len(asked)] in first
    assert re.findall(r'gd\.course\.check\("(.+?)"', code) == asked
    assert re.findall(r"^\*\*(\d\d\.\d)\*\*", words, re.MULTILINE) == asked
    # The samples that a lesson uses are those that say so.
    listed = gd.sample()
    used = set(re.findall(r'gd\.sample\("(.+?)"\)', code + words))
    assert used == {name for name in listed.index if path.stem[:2] in listed.lesson[name]} - UNNAMED


#: Samples that a lesson's exercise names without loading them, or that are there for a teacher's own questions.
UNNAMED = {"udp-drained", "tcp-json", "tcp-put-var", "ws-text-and-binary"}


@pytest.mark.parametrize("path", LESSON_FILES, ids=lambda path: path.stem)
def test_gdscript_that_a_lesson_shows_is_that_of_a_program(path):
    notebook = nbformat.read(path, as_version=4)
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    programs = [course.source(name) for name in course.names()]
    programs.append("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code"))
    known = {line.strip() for program in programs for line in program.splitlines()}
    for block in re.findall(r"```gdscript\n(.*?)```", words, re.DOTALL):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        unknown = [line for line in lines if line not in known]
        assert len(unknown) <= ALLOWED.get(path.stem, 0), unknown


#: Lines of a shown text that no program has word for word: the lesson shows a shorter form.
ALLOWED = {"03-tcp-is-a-stream": 2}
