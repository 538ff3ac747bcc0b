"""Run notebooks in a Python from which threads, sockets and processes are taken away, as they are in a browser.

    python -P tests/notebooks/without_threads.py FOLDER NOTEBOOK...

Cells that meet a game have a stand-in for this case, in their metadata (see `tests/notebooks/canned.py`). The last line
on standard output is JSON: for each notebook its errors, and how many pictures and tables it has shown.
"""

import _thread
import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import ipywidgets  # noqa: F401  # what a kernel has loaded before gdlab
import pandas as pd  # noqa: F401
from IPython.core.interactiveshell import InteractiveShell

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.notebooks.canned import in_a_browser


def _no_thread(*_arguments, **_options):
    raise RuntimeError("can't start new thread")  # as Pyodide does


class _NoSocket(socket.socket):
    def __init__(self, *_arguments, **_options):
        raise OSError(138, "Not supported")


class _NoProcess:
    def __init__(self, *_arguments, **_options):
        raise OSError(138, "emscripten does not support processes")


def take_away():
    """From now on this process is as poor as a browser's."""
    _thread.start_new_thread = threading._start_new_thread = _no_thread
    if hasattr(threading, "_start_joinable_thread"):
        threading._start_joinable_thread = _no_thread
    socket.socket = _NoSocket
    subprocess.Popen = _NoProcess


class Shown(list):
    """What the cells have shown, as the types of data."""

    def publish(self, data, metadata=None, **_options):
        self.append(data)


def run(path, shell, loop):
    """Run the cells of a notebook; return its errors."""
    errors = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = in_a_browser(cell)
            work = shell.run_cell_async(source, transformed_cell=shell.transform_cell(source))
            result = loop.run_until_complete(work)
            if error := result.error_before_exec or result.error_in_exec:
                errors.append(f"{cell['id']}: {type(error).__name__}: {error}")
    return errors


def main():
    loop = (
        asyncio.new_event_loop()
    )  # Pyodide's needs no sockets; this one's are made before they are taken away
    asyncio.set_event_loop(loop)
    take_away()
    os.chdir(sys.argv[1])
    outcome = {}
    for path in map(Path, sys.argv[2:]):
        shell = InteractiveShell()
        errors = run(path, shell, loop)
        outcome[path.stem] = errors
    print()
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
