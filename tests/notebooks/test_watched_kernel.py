"""A watched game in a real kernel: interrupted, run again, restarted, killed; nothing is left running."""

from __future__ import annotations

import ast
import contextlib
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.notebooks.test_kernel import PAUSE_S, Kernel, free_port, is_free, ran
from tests.waiting import wait_until

pytestmark = [pytest.mark.notebook, pytest.mark.godot]

GAME = "extends Node\nvar n := 0\nfunc _process(_d):\n\tn += 1\n\tif n % 30 == 0:\n\t\tprint(n)\n"
#: What is asked of the kernel: the game's process, and the folder of the unix socket.
WHERE = "print([game.pid, watch.best_address.removeprefix('unix://')])"


@pytest.fixture
def kernel(engine: object, tmp_path) -> Iterator[Kernel]:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own transport libraries
        patch.setenv("IPYTHONDIR", str(tmp_path))
        made = Kernel()
        try:
            made.wait_until_ready()
            assert ran(made, "import gdlab as gd") == ""
            yield made
        finally:
            made.close()


def begun(kernel: Kernel, port: int) -> tuple[psutil.Process, str]:
    """Start a watched game in the kernel; its process and where its socket is."""
    cell = f"watch = gd.debugger({port})\ngame = gd.godot.start(source={GAME!r}, debugger=watch)\n"
    ran(kernel, f"{cell}_ = watch.wait(timeout=60)")
    pid, socket = ast.literal_eval(ran(kernel, WHERE))
    return psutil.Process(pid), socket


def ended(process: psutil.Process) -> bool:
    """Whether a process is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def test_an_interrupt_ends_the_wait_and_a_restart_everything(kernel: Kernel) -> None:
    port = free_port("tcp")
    process, socket = begun(kernel, port)
    request = kernel.begin("print('waits', flush=True)\nwatch.wait_for('never printed', timeout=60)")
    kernel.wait_for_output(request, "waits")
    time.sleep(PAUSE_S)  # the interrupt must hit the wait and not the print before it
    kernel.manager.interrupt_kernel()
    assert kernel.end(request)[1][0] == "KeyboardInterrupt"
    # The watch and the game go on, and the cell may be run again.
    assert ran(kernel, "print(watch.running, watch.games[0].running)") == "True True\n"
    before = int(ran(kernel, "print(len(watch.frames))"))
    ran(kernel, "import time\nuntil = time.monotonic() + 60")
    ran(kernel, f"while len(watch.frames) < {before} + 30 and time.monotonic() < until: time.sleep(0.05)")
    assert int(ran(kernel, "print(len(watch.frames))")) >= before + 30
    assert ran(kernel, f"print(gd.debugger({port}) is watch)") == "True\n"

    kernel.manager.restart_kernel()
    kernel.wait_until_ready()
    wait_until(lambda: ended(process))
    wait_until(lambda: is_free("tcp", port))
    assert not Path(socket).exists()
    assert ran(kernel, "import gdlab as gd") == ""
    again, _ = begun(kernel, port)
    assert not ended(again)
    ran(kernel, "gd.stop_all()\nwatch.stop()\ngame.stop()")
    wait_until(lambda: ended(again))


def test_the_game_of_a_killed_kernel_does_not_play_on(kernel: Kernel) -> None:
    port = free_port("tcp")
    process, _ = begun(kernel, port)
    kernel.manager.signal_kernel(9)
    wait_until(lambda: ended(process))
    wait_until(lambda: is_free("tcp", port))
