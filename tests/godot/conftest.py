"""No test of this folder may leave a thread, a process or a file descriptor behind."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.godot.helpers import children

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    threads, processes, descriptors = set(threading.enumerate()), children(), _descriptors()
    yield
    assert set(threading.enumerate()) <= threads, "a thread is left"
    assert children() <= processes, "a process is left"
    assert _descriptors() <= descriptors, "a file descriptor is left"


def _descriptors() -> set[str]:
    """Pipes, sockets and the like that are open; files come and go with imports and the test runner."""
    if sys.platform != "linux":
        return set()
    found = set()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            target = str(fd.readlink())
        except OSError:
            continue
        if target.startswith(("pipe:", "socket:", "anon_inode:")):
            found.add(f"{fd.name} {target}")
    return found
