"""Waking early asks the scheduler for something, and changes nothing else."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from gdlab.transports.relaying.precise import wake_early


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
@pytest.mark.parametrize("nice", [0, 7])
def test_a_thread_that_wakes_early_keeps_its_policy_and_niceness(nice: int) -> None:
    found: list[object] = []

    def ask() -> None:
        if nice:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
        before = os.getpriority(os.PRIO_PROCESS, 0)
        granted = wake_early()
        found.extend((granted, before, os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    granted, before, after, policy = found
    assert isinstance(granted, bool)
    assert (after, policy) == (before, os.SCHED_OTHER)
    kernel = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if os.uname().machine == "x86_64" and kernel >= (6, 12):
        assert granted


def test_elsewhere_nothing_is_asked(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert wake_early() is False
