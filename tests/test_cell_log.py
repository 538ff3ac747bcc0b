"""Warnings for the person whose cell runs reach them; those of threads do not appear under other cells."""

import logging
import subprocess
import sys

import pytest

PROGRAM = """
import logging, threading, gdlab as gd
cap = gd.listen("udp://127.0.0.1:0", limit=1000)
gd.listen(cap.addresses[0], limit=2000)
logging.getLogger("gdlab.any").error("not for the cell", exc_info=ValueError())
thread = threading.Thread(target=logging.getLogger("gdlab.any").warning, args=("of a thread",))
thread.start()
thread.join()
gd.stop_all()
"""


@pytest.mark.slow
def test_a_cell_is_told_of_its_own_capture_and_of_nothing_else():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "is replaced by a new capture" in lines[0]


def test_a_log_of_the_program_is_the_only_one(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler()])
    logging.getLogger("gdlab.any").warning("once")
    assert capsys.readouterr().err == ""
