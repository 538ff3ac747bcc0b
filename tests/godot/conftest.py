"""No test of this folder may leave a thread, a process or a file descriptor behind."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.godot.helpers import children


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    threads, processes, descriptors = set(threading.enumerate()), children(), _descriptors()
    yield
    assert set(threading.enumerate()) <= threads, "a thread is left"
    assert children() <= processes, "a process is left"
    assert _descriptors() <= descriptors, "a file descriptor is left"


def _descriptors() -> set[str]:
    """Descriptors of pipes and sockets with what they are; others come and go with imports and the test runner."""
    if sys.platform != "linux":
        return set()
    found = set()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue
        if target.startswith(("pipe:", "socket:", "anon_inode:")):
            found.add(f"{fd.name} {target}")
    return found
