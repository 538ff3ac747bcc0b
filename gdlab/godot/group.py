"""The process group of a child: how it is killed, also when this Python is killed first.

A child gets a session (and so a process group) of its own. Beside it stands a guard, a small shell whose
standard input is a pipe that only this Python holds: when Python ends in any way, `kill -9` included, the
pipe closes and the guard kills the child's whole group. `PR_SET_PDEATHSIG` was rejected: it needs code
between fork and exec, which is unsafe beside threads; it fires when the *thread* that started the child
ends; and it does not reach grandchildren, so an engine started by a wrapper script would survive.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Final

#: How long the members of a killed group may take to vanish.
_GROUP_GONE_S: Final = 0.5
#: Read the group's id, then wait for the pipe to close. `kill` is a builtin; dash takes `--` only after `-s`.
_GUARD: Final = 'read -r group || exit 0; read -r _; kill -s KILL -- "-$group"'


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all of its group; one that is gone is no error."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(  # noqa: S603 (fixed arguments)
                ["taskkill", "/T", "/F", "/PID", str(process.pid)],  # noqa: S607 (a part of Windows)
                check=False,
                capture_output=True,
            )
            process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for zombies
        os.killpg(process.pid, signal.SIGKILL)


def await_group_gone(group: int) -> None:
    """Wait until the killed members of a group are gone, so that after `stop` nothing is left.

    They are not our children: the system reaps them. In a container whose first process does not, they stay
    as zombies, which hold nothing; so the wait has an end.
    """
    if sys.platform == "win32":
        return
    deadline = time.perf_counter() + _GROUP_GONE_S
    pause = 0.0005
    while time.perf_counter() < deadline:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(pause)
        pause = min(0.02, pause * 2)


def start_guard() -> subprocess.Popen[bytes] | None:
    """The guard that this module begins with; None on Windows, where `atexit` is all there is."""
    if sys.platform == "win32":
        return None
    return subprocess.Popen(  # noqa: S603 (fixed arguments)
        ["/bin/sh", "-c", _GUARD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupt or kill of our group must not take the guard first
        cwd="/",
    )


def end_guard(guard: subprocess.Popen[bytes] | None) -> None:
    """End the guard before its pipe closes: what it would kill is gone already."""
    if guard is None:
        return
    guard.kill()
    guard.wait()
    if guard.stdin is not None:
        guard.stdin.close()
