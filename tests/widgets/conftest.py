"""Widget tests need no kernel: a recorder takes the place of the browser. None may pass with a view that failed."""

import gc
import logging
from typing import ClassVar

import comm
import pytest
from comm.base_comm import BaseComm

import gdlab as gd
from gdlab.widgets import panel
from gdlab.widgets.render import renderer
from tests.failures import Failures


class Recorder(BaseComm):
    """Keeps what would have crossed to the browser."""

    sent: ClassVar[list[tuple[str, dict, int]]] = []

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((msg_type, data or {}, sum(map(len, buffers or []))))


@pytest.fixture(autouse=True)
def failures():
    """What failed in views while the test ran. A test that plants failures looks at them and clears the list."""
    handler, logger = Failures(), logging.getLogger("gdlab")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler.found
    logger.removeHandler(handler)
    logger.setLevel(level)
    assert handler.found == []


@pytest.fixture(autouse=True)
def nothing_for_the_next_test():
    """Close the panels of a test that failed: its traceback holds them, and they would be drawn in the next test."""
    yield
    for left in list(panel._panels):
        left.close()


@pytest.fixture
def sent(monkeypatch):
    """What crossed to the browser: message type, data, bytes of buffers."""
    monkeypatch.setattr(comm, "create_comm", Recorder)
    monkeypatch.setattr(Recorder, "sent", [])
    # The recorder takes as much as comes, and no test is to wait until a real page would have.
    monkeypatch.setattr(renderer, "bytes_per_s", 1_000_000_000)
    return Recorder.sent


@pytest.fixture
def collect():
    """Collects garbage among what the test itself has made.

    Of all the objects of a process that has run a thousand tests it takes a third of a second each time. What was
    there before is set aside: it is looked at no more, and what it holds is held.
    """
    gc.freeze()
    yield gc.collect
    gc.unfreeze()


@pytest.fixture
def capture():
    """A running capture, stopped at the end."""
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        yield cap


@pytest.fixture
def still(monkeypatch):
    """The render thread stays out of it: these tests refresh by hand, and see each step."""
    monkeypatch.setattr(renderer, "add", lambda view: None)
    monkeypatch.setattr(renderer, "hurry", lambda view: None)
    monkeypatch.setattr(panel, "_UNSEEN_EVERY_S", 0.0)
