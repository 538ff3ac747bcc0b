"""Kernels for notebooks that begin warm: forks of a process that has loaded what every kernel loads, and not gdlab.

A fresh kernel spends two seconds of a processor on pandas, matplotlib and IPython before its first cell, and the tests
start a kernel for each notebook, language and form. `parent.py` loads these once, starts no thread, and forks.
Jupyter is told to run `stand_in.py`, which lives as long as the fork that it asked for: so a manager of kernels starts,
watches and kills them as any others.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
NAME = "warm"


@contextmanager
def kernels(python: Path | str = sys.executable) -> Iterator[Path]:
    """A parent of warm kernels, as long as it is wanted; a folder for ``JUPYTER_PATH``, with the kernel `NAME`.

    Parameters
    ----------
    python : of the environment whose ipykernel they are.
    """
    # The path of a socket must be short, and pytest's folders are deep.
    with tempfile.TemporaryDirectory(prefix="gdlab-warm-") as temporary:
        folder = Path(temporary)
        address = folder / "socket"
        spec = {
            "argv": [sys.executable, "-ISE", str(HERE / "stand_in.py"), str(address), "{connection_file}"],
            "display_name": NAME,
            "language": "python",
            "interrupt_mode": "message",
        }
        (folder / "kernels" / NAME).mkdir(parents=True)
        (folder / "kernels" / NAME / "kernel.json").write_text(json.dumps(spec))
        command = [str(python), "-P", str(HERE / "parent.py"), str(address)]
        # It ends when its standard input does: also where the tests are killed.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
            assert parent.stdin is not None
            assert parent.stdout is not None
            try:
                assert parent.stdout.readline() == b"ready\n"
                yield folder
            finally:
                parent.stdin.close()
