"""Both ways to play a scenario."""

import contextlib

import pytest

from tests.peers.drivers import Puppet, Scripted
from tests.peers.ws_server import Server


# Of the session, so that the engine is started once, and before the check for threads that a test leaves.
@pytest.fixture(scope="session", params=["scripted", pytest.param("engine", marks=pytest.mark.godot)])
def driver(request):
    """Godot's network objects: gdlab's own, then the real engine's."""
    made = Puppet(request.getfixturevalue("engine")) if request.param == "engine" else Scripted()
    yield made
    made.close()


@pytest.fixture
def server():
    """The other side of a `WebSocketPeer`."""
    with contextlib.closing(Server()) as made:
        yield made


@pytest.fixture
def websocket(driver):
    made = driver.make("WebSocketPeer")
    yield made
    made.close(-1)
