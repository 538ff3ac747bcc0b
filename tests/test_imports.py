"""What `import gdlab` loads, and what is loaded only by those who use it; all of it seen in one fresh interpreter."""

import json
import subprocess
import sys

import pytest

from tests.waiting import limit

#: Rooms (modules and packages of gdlab) that a listener needs. One more here is paid for by every `import gdlab`.
ROOMS = {
    *(
        "capture",
        "cell_log",
        "cell_view",
        "clock",
        "errors",
        "facts",
        "messages",
        "packed",
        "payloads",
        "probe",
        "sizes",
        "store",
    ),
    *("surroundings", "text", "transports", "words"),
}
#: Modules of these rooms that only some of their users need.
LATER = {
    *(
        f"gdlab.capture.{name}"
        for name in ("gdscript_for", "multiplayer", "reframing", "samples", "selftest")
    ),
    *(
        f"gdlab.transports.{name}"
        for name in ("batch", "clients", "debugger_link", "relaying", "stream_bytes")
    ),
    *(f"gdlab.transports.{name}" for name in ("tcp", "tcp_session", "udp", "websocket", "websocket_session")),
    *("gdlab.sizes.measurement", "gdlab.words.zh"),
}
#: Modules in all; there are 57. What pandas has loaded is not counted.
MOST = 70

PROGRAM = """
import json, sys, threading
import pandas
before = set(sys.modules)
def new():
    return sorted(set(sys.modules) - before)
seen = {}
import gdlab as gd
seen["import"] = new(), threading.active_count()
gd.listen("udp://127.0.0.1:0").df
seen["udp"] = new()
gd.stop_all()
gd.doctor()
seen["doctor"] = new()
import gdlab.plots
seen["plots"] = new()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=limit(100), check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_importing_gdlab_loads_what_a_listener_needs_and_nothing_else(seen):
    modules, threads = seen["import"]
    assert threads == 1
    assert {name.split(".")[1] for name in modules if name.startswith("gdlab.")} == ROOMS
    assert not LATER & set(modules)
    assert len(modules) <= MOST
    # Of the standard library, too, only what is there anyway.
    assert not {"asyncio", "ssl", "html", "importlib.metadata", "websockets"} & set(modules)


@pytest.mark.slow
def test_a_listener_for_datagrams_loads_no_measures_codecs_or_streams(seen):
    loaded = {name.split(".")[1] for name in seen["udp"] if name.startswith("gdlab.")}
    assert loaded == ROOMS
    assert not {"gdlab.transports.tcp", "gdlab.transports.websocket", "websockets"} & set(seen["udp"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "absent"),
    [
        ("doctor", {"matplotlib", "ipywidgets", "IPython", "ipykernel", "gdlab.widgets"}),
        ("plots", {"matplotlib.pyplot", "ipywidgets", "IPython", "gdlab.widgets"}),
    ],
)
def test_what_draws_or_shows_is_not_loaded(seen, step, absent):
    assert not absent & set(seen[step])


def test_every_room_and_module_named_here_exists():
    from importlib.util import find_spec

    assert all(find_spec(name) for name in LATER)


BARE = """
import sys
sys.modules["pyarrow"] = None  # it comes with an extra
import socket
import gdlab as gd
frames = [bytes([n % 251]) * (n % 40) for n in range(600)]
with gd.listen("tcp://127.0.0.1:0", framing="u16le") as cap:
    with socket.create_connection(("127.0.0.1", cap.port)) as game:
        game.sendall(b"".join(len(frame).to_bytes(2, "little") + frame for frame in frames))
        cap.wait_sync(len(frames), timeout=float(sys.argv[1]))
    table = cap.df.query("event == 'message'")
    assert [bytes(payload) for payload in table["payload"]] == frames
    path = cap.to_csv(sys.argv[2])
assert len(gd.load(path).df.query("event == 'message'")) == len(frames)
assert len(gd.sample("udp-lossy-path").findings())
gd.sample("udp-lossy-path").plot.sequence()
"""


@pytest.mark.slow
def test_a_listener_its_table_files_and_measures_need_no_extra(tmp_path):
    arguments = [str(limit(20)), str(tmp_path / "run.csv")]
    done = subprocess.run(
        [sys.executable, "-c", BARE, *arguments],
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr
