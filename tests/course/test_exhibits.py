"""The programs of the course: the real engine and the scripted peer do the same."""

import asyncio
import re

import pytest

import gdlab as gd
from gdlab import course
from gdlab.course.programs import SCRIPTS
from gdlab.course.python_programs import PYTHON_PROGRAMS
from gdlab.errors import GodotNotFound, WaitTimeout
from tests.waiting import wait_until


@pytest.fixture(params=["scripted", pytest.param("godot", marks=pytest.mark.godot)])
def real(request, monkeypatch):
    """Whether a real engine plays."""
    if request.param == "godot":
        monkeypatch.setenv("GDLAB_GODOT", str(request.getfixturevalue("engine").path))
    return request.param == "godot"


def test_every_program_has_both_forms_with_the_same_options():
    assert course.names() == sorted(PYTHON_PROGRAMS)
    for name, python_program in PYTHON_PROGRAMS.items():
        told = re.search(r"^var options := \{(.*?)\}$", course.source(name), re.MULTILINE | re.DOTALL)
        in_script = {"port"} if told is None else set(re.findall(r'"(\w+)":', told[1]))
        assert in_script == set(python_program.OPTIONS), name


@pytest.mark.parametrize(("name", "low", "high"), [("udp_one_a_frame", 1, 4), ("udp_drained", 20, 20)])
def test_a_burst_to_the_servers(real, name, low, high):
    with (
        course.program(name, engine=real) as server,
        gd.connect(f"udp://127.0.0.1:{server.port}") as cap,
    ):
        assert server.is_godot is real
        assert ("Godot 4" in repr(server)) is real
        for n in range(20):
            cap.send({"n": n})
        wait_until(lambda: cap.statistics().received >= low, 20)

        def last_is_read():
            # One alone may be lost as any datagram may: the server's system drops what finds no room.
            cap.send({"n": "last"})
            return "last" in server.prints[-1]

        # A later one is read in a frame of its own, so all that there is of the burst has been read before.
        wait_until(last_is_read, 20)
    read = [line for line in server.prints if line.startswith("Received data") and "last" not in line]
    burst = cap.df.time[
        cap.df.payload.map(lambda payload: b"last" not in payload) & (cap.df.direction == "out")
    ]
    # A machine that is slow to send gives the server more frames.
    frames = 60 * (burst.max() - burst.min()).total_seconds()
    assert low <= len(read) <= high + frames
    assert not server.running


def test_positions_as_json_and_as_variants(real):
    values = {}
    for form, framing in (("json", "json"), ("var", "put_var")):
        with gd.listen("tcp://127.0.0.1:0", framing=framing) as cap:
            sender = course.program("tcp_positions", to=cap, engine=real, form=form, count=30)
            asyncio.run(sender.wait())
            cap.wait_sync(30)
        assert sender.prints == ["sent 30 messages"]
        values[form] = cap.decoded().query("event == 'message'").value.tolist()
    assert values["var"] == [{"id": i, "x": i * 1.5} for i in range(30)] == values["json"]


@pytest.mark.parametrize(
    ("options", "code", "last"),
    [
        ({"end": "close", "code": 4001, "reason": "kicked"}, "4001 kicked", "closed with code 4001 kicked"),
        ({"end": "quit"}, "1006", "quit"),
    ],
)
def test_how_the_websocket_client_ends(real, options, code, last):
    with gd.listen("ws://127.0.0.1:0", reply=gd.replies.echo) as cap:
        client = course.program("ws_client", to=cap, engine=real, **options).wait_sync()
        wait_until(lambda: "close" in cap.df.event.tolist(), 10)
    assert client.prints == [
        "open",
        "got text of 13 bytes",
        "got binary of 14 bytes",
        "got binary of 44 bytes",
        last,
    ]
    assert code in cap.df.query("event == 'close'").detail.iloc[0]


def test_a_player_sends_its_state(real):
    for form in ("var", "json"):
        with gd.listen("udp://127.0.0.1:0") as cap:
            course.program("player", to=cap, engine=real, id=7, form=form, seconds=0.5).wait_sync()
            cap.wait_sync(3)
        table = cap.decoded()
        assert set(table["v.id"]) == {7}
        assert table["v.seq"].tolist() == list(range(len(table)))
        assert table["v.pos.x"].iloc[0] == 1000.0
        assert form == "json" or len(table.payload.iloc[0]) == 112


def test_what_there_is_not(monkeypatch):
    with pytest.raises(ValueError, match="no program 'udp'; it has player, "):
        course.program("udp")
    with pytest.raises(ValueError, match="no option 'speed'; it has port, id, "):
        course.program("player", speed=3)
    monkeypatch.setenv("GDLAB_GODOT", "/nowhere/godot")
    with pytest.raises(GodotNotFound):
        course.program("player", engine=True)
    with gd.listen("udp://127.0.0.1:0") as cap, course.program("player", to=cap, seconds=100) as player:
        assert "no Godot 4 was found" in repr(player)
        with pytest.raises(WaitTimeout, match=r"plays> after 0\.05 s"):
            player.wait_sync(0.05)


def test_scripts_are_indented_as_godot_wants_it():
    for path in SCRIPTS.glob("*.gd"):
        text = path.read_text()
        assert "\n " not in text, path.name
        assert "\r" not in text
