"""Every notebook runs top to bottom in a real kernel, with a Godot and with none, and closes what it opened."""

import asyncio
import re
import socket
import warnings
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))

#: A cell of ours behind the last one: what the lesson opened, it has closed.
CLOSED = """
import threading
names = [thread.name for thread in threading.enumerate()]
left = [name for name in names if name.startswith("gdlab") and name != "gdlab render"]
assert not left, left
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def outputs(notebook, mime):
    return [
        output["data"][mime]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if mime in output.get("data", {})
    ]


@pytest.mark.notebook
@pytest.mark.parametrize("source", ["embedded", pytest.param("godot", marks=pytest.mark.godot)])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_top_to_bottom(path, source, request, tmp_path, monkeypatch):
    if source == "godot":
        monkeypatch.setenv("GDLAB_GODOT", str(request.getfixturevalue("engine").path))
    else:
        monkeypatch.setenv("GDLAB_GODOT", "")
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("GDLAB_TRAFFIC", raising=False)
    text = path.read_text()
    # Somebody may be using the lessons' own ports on this machine.
    ports = {port: str(free_port()) for port in ("4242", "4243", "5000", "50007")}
    text = re.sub(rf"(?<=:)(?:{'|'.join(ports)})(?!\d)", lambda found: ports[found[0]], text)
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(CLOSED))
    with warnings.catch_warnings():
        # Of the kernel's own transport libraries, some versions of which warn about each other.
        warnings.simplefilter("ignore")
        from nbclient import NotebookClient

        client = NotebookClient(
            notebook, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        )
        asyncio.run(client.async_execute())
    errors = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "error"
    ]
    assert not errors
    said = " ".join(outputs(notebook, "text/plain"))
    if path.stem == "02-latency-and-frames":
        assert ("the embedded source" in said) is (source == "embedded")
        assert len(outputs(notebook, "image/png")) == 5
        assert "certainty" in said  # what is found depends on how evenly this machine runs
    if path.stem == "03-tcp-is-a-stream":
        assert "hi~hi~" in said
        printed = "".join(o["text"] for c in notebook.cells for o in c.get("outputs", ()) if "text" in o)
        assert ("Godot: " in printed) is (source == "godot")
        assert "bytes, not a message" in printed
    if path.stem == "01-first-packet":
        assert ("the embedded source" in said) is (source == "embedded")
        assert "The answer is... 42!" in said or "The answer is... 42!" in " ".join(
            outputs(notebook, "text/html")
        )
        assert len(outputs(notebook, "image/png")) == 2
        assert outputs(notebook, "application/vnd.jupyter.widget-view+json")
        assert (tmp_path / "first-packet.csv").is_file()
