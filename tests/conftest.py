"""What every test is held to: it leaves no thread behind."""

import threading
import time

import pytest


@pytest.fixture(autouse=True)
def no_leaked_threads():
    """Fail a test that leaves a thread of gdlab running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while leaked := [t for t in threading.enumerate() if t not in before and t.name.startswith("gdlab")]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {[thread.name for thread in leaked]}")
        leaked[0].join(0.05)
