"""The sample project, run by a real engine against real listeners."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gdlab as gd
from gdlab import analysis, godot
from gdlab.godot.process import Child
from tests.waiting import limit, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.capture import Capture
    from gdlab.godot import Engine, Game

#: Warnings of the script editor that are off or only shown there by default; here they are errors.
WARNINGS = re.findall(
    r"\w+",
    """
unassigned_variable unused_variable unused_local_constant unused_private_class_variable unused_parameter
unused_signal shadowed_variable shadowed_variable_base_class shadowed_global_identifier unreachable_code
standalone_expression incompatible_ternary static_called_on_instance redundant_await narrowing_conversion
integer_division int_as_enum_without_cast int_as_enum_without_match enum_variable_without_default
confusable_identifier confusable_local_declaration confusable_local_usage untyped_declaration
""",
)


@pytest.fixture(autouse=True)
def stop_everything() -> Iterator[None]:
    yield
    gd.stop_all()


@pytest.fixture(scope="module")
def sample(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, imported once."""
    folder = godot.project(tmp_path_factory.mktemp("sample") / "project")
    run = godot.run(project=folder, engine=engine, time_limit_s=60)
    assert run.ok, run.table.to_string()
    assert [line.split()[-1] for line in run.prints] == [
        f"res://{path.relative_to(folder).as_posix()}"
        for name in ("udp_client", "udp_server", "tcp_client", "websocket_client", "moving_square", "arena")
        for path in folder.rglob(f"{name}.tscn")
    ]
    return folder


def play(engine: Engine, folder: Path, scene: str, *args: str, fps: int = 60) -> Game:
    return godot.start(project=folder, scene=scene, args=args, engine=engine, fps=fps, time_limit_s=60)


def port_of(capture: Capture) -> int:
    return int(capture.addresses[0].rpartition(":")[2].partition("/")[0])


def received(capture: Capture) -> list[bytes]:
    return list(capture.df.query("event == 'message' and direction == 'in'").payload)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"not empty \(it has diary\.txt\); give a new folder"):
        godot.project(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
    with pytest.raises(NotADirectoryError, match="is a file"):
        godot.project(tmp_path / "diary.txt")
    made = godot.project(tmp_path / "new" / "deeper")
    assert (made / ".gitignore").read_text().splitlines()[-1] == ".godot/"
    with pytest.raises(FileExistsError, match="a Godot project in it already"):
        godot.project(made)


def test_the_probe_is_dropped_into_a_game_and_replaces_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"it has no project\.godot"):
        godot.probe(tmp_path)
    (tmp_path / "project.godot").write_text("config_version=5\n")
    copied = godot.probe(tmp_path)
    assert godot.probe(tmp_path) == copied
    copied.write_text("extends Node\n")
    with pytest.raises(FileExistsError, match="another"):
        godot.probe(tmp_path)
    assert copied.read_text() == "extends Node\n"


def test_the_editor_opens_it_without_a_warning_and_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    folder = godot.project(tmp_path / "project")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # The whole editor, which quits when it has scanned and imported all.
    child = Child(
        [str(engine.path), "--headless", "--path", str(folder), "--import"],
        name="gdlab-test",
        time_limit_s=100,
    )
    assert child.wait(110)
    lines = [line.text for line in child.lines()]
    assert child.exit_code == 0
    assert not [line for line in lines if "WARNING" in line or "ERROR" in line], lines
    assert {path: path.read_bytes() for path in before} == before
    new = {path.suffix for path in folder.rglob("*") if path.is_file() and ".godot" not in path.parts} - {
        path.suffix for path in before
    }
    assert new <= {".uid"}


def test_no_script_has_anything_the_script_editor_would_warn_of(
    engine: Engine, sample: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sample, tmp_path / "project")
    settings = "".join(f"gdscript/warnings/{name}=2\n" for name in WARNINGS)
    with (folder / "project.godot").open("a") as project:
        project.write(f"\n[debug]\n\n{settings}")
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.gd"))
    assert len(paths) == 10
    loads = "".join(f'\tprint(load("res://{path}").can_instantiate())\n' for path in paths)
    checker = folder / "checker.gd"
    checker.write_text(f"extends SceneTree\n\n\nfunc _initialize() -> void:\n{loads}\tquit()\n")
    run = godot.run(checker, engine=engine, stop_on="never", time_limit_s=60)
    assert run.errors == []
    assert run.prints == ["true"] * 10
    # And the check can fail:
    checker.write_text("extends SceneTree\nfunc _initialize() -> void:\n\tvar never_used := 1\n\tquit()\n")
    run = godot.run(checker, engine=engine, time_limit_s=60)
    assert "never_used" in run.errors[0].text


def test_the_udp_client_greets_until_it_is_answered(engine: Engine, sample: Path) -> None:
    capture = gd.listen("udp://127.0.0.1:0")
    with play(engine, sample, "blog/udp_client.tscn", f"port={port_of(capture)}") as game:
        game.wait_connected(capture, 30)
        capture.wait_sync(2, timeout=limit(20))
        capture.send("Thanks, 42 it is")
        game.wait_for("Connected: Thanks, 42 it is", limit(20))
        greeted = capture.statistics().received
        for number in range(100):  # more than one per frame, and none is lost
            capture.send(f"number {number}")
        game.wait_for("Received: number 99", limit(20))
        assert [entry.text for entry in game.entries if "Received" in entry.text] == [
            f"Received: number {number}" for number in range(100)
        ]
        assert capture.statistics().received == greeted, "once answered it greets no more"
        assert game.errors == []
    arrivals = capture.df.query("event == 'message' and direction == 'in'")
    assert set(arrivals.payload) == {b"The answer is... 42!"}
    assert arrivals.time.diff().dt.total_seconds().iloc[1:].min() > 0.3, "twice a second, not in every frame"


def test_the_udp_server_loses_nothing_of_a_burst_and_echoes(engine: Engine, sample: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with play(engine, sample, "blog/udp_server.tscn", f"port={port}") as game:
        game.wait_for(f"listening on port {port}", limit(30))
        client = gd.connect(f"udp://127.0.0.1:{port}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
            for number in range(100):
                client.send(["CHAT", f"Hello from python {number}"])
                another.sendto(b"other %d" % number, ("127.0.0.1", port))
            client.wait_sync(100, timeout=limit(20))
            game.wait_for("Received data: other 99", limit(20))
        assert received(client) == [b'["CHAT", "Hello from python %d"]' % n for n in range(100)]
        assert len({e.text for e in game.entries if e.text.startswith("Accepted peer: 127.0.0.1:")}) == 2
        assert len([e for e in game.entries if e.text.startswith("Received data: ")]) == 200
        assert game.errors == []


def test_a_taken_port_is_told_by_the_udp_server(engine: Engine, sample: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with play(engine, sample, "blog/udp_server.tscn", f"port={port}") as game:
            game.wait_for(f"cannot listen on port {port}", limit(30))


def test_the_tcp_client_reads_lines_however_they_are_cut_and_comes_back(engine: Engine, sample: Path) -> None:
    capture = gd.listen("tcp://127.0.0.1:0", framing="raw")
    port = port_of(capture)
    with play(engine, sample, "blog/tcp_client.tscn", f"port={port}") as game:
        capture.wait_sync(1, timeout=limit(30))
        assert b"".join(received(capture)) == b"hello from Godot\n"
        whole = "one\ngrün\nthree\n".encode()
        capture.send(whole[:7])  # in the middle of the umlaut
        game.wait_for("Line: one", limit(20))
        capture.send(whole[7:])
        game.wait_for("Line: grün", limit(20))
        game.wait_for("Line: three", limit(20))
        capture.stop()
        game.wait_for("Disconnected from host.", limit(20))
        game.wait_for(f"Nobody answers at 127.0.0.1:{port}.", limit(20))
        again = gd.listen(f"tcp://127.0.0.1:{port}", framing="lines", reply="hi~", restart=True)
        again.wait_sync(1, timeout=limit(20))
        game.wait_for("Line: hi~", limit(20))
        assert received(again) == [b"hello from Godot"]
        assert game.errors == []


def test_the_websocket_client_tells_text_from_binary_and_says_goodbye_codes(
    engine: Engine, sample: Path
) -> None:
    capture = gd.listen("ws://127.0.0.1:0", reply=lambda message: b"Got our msg: " + message.payload)
    with play(
        engine, sample, "blog/websocket_client.tscn", f"url={capture.addresses[0]}", "say=grün"
    ) as game:
        game.wait_for("Connected", limit(30))
        game.wait_for("Binary, 18 bytes: Got our msg: grün", limit(20))
        capture.send("by the way")
        game.wait_for("Text: by the way", limit(20))
        capture.send("x" * 100_000)  # more than Godot takes without being told
        game.wait_for("Text: xxxxx", limit(20))
        capture.stop()
        game.wait_for("Closed with code 1001, reason 'gdlab has stopped'", limit(20))
        assert game.errors == []
    messages = capture.df.query("event == 'message' and direction == 'in'")
    assert [(row.payload, row.kind) for row in messages.itertuples()] == [("grün".encode(), "text")]


@pytest.mark.parametrize("form", ["json", "variant"])
def test_the_square_tells_its_state_and_goes_where_it_is_sent(
    engine: Engine, sample: Path, form: str
) -> None:
    capture = gd.listen("udp://127.0.0.1:0")
    options = [f"port={port_of(capture)}", f"form={form}", "hz=30"]
    with play(engine, sample, "game/moving_square.tscn", *options) as game:
        capture.wait_sync(30, timeout=limit(30))
        capture.send({"go_to": "nowhere"})
        capture.send(b"\xff{")
        capture.send({"go_to": [100, 9999]})
        game.wait_for("going to (100.0, 540.0)", limit(20))
        game.wait_for("arrived at (100.0, 540.0)", limit(30))
        assert game.errors == []
    states = capture.decoded().query("direction == 'in'")
    assert set(states["codec"]) == {f"auto:{form}"}
    assert list(states["v.seq"]) == list(range(len(states)))
    assert analysis.sequence(states, seq="v.seq")["lost"].sum() == 0
    x, y = (states["v.x"], states["v.y"]) if form == "json" else (states["v.pos.x"], states["v.pos.y"])
    assert x.nunique() > 20
    assert x.between(0, 960).all()
    assert y.between(0, 540).all()
    step_us = states["v.t_us"].diff().iloc[1:]
    assert 25_000 < step_us.mean() < 60_000, "30 a second, whatever the frames are"


def test_the_square_ends_by_itself(engine: Engine, sample: Path) -> None:
    capture = gd.listen("udp://127.0.0.1:0")
    with play(engine, sample, "game/moving_square.tscn", f"port={port_of(capture)}", "seconds=1") as game:
        run = game.wait(40)
    assert run.ok, run.reason
    told = int(run.prints[-1].split()[1])
    wait_until(lambda: capture.statistics().received == told)
    assert told >= 10


@pytest.mark.parametrize("scheme", ["udp", "ws"])
def test_the_probe_measures_both_ways_in_any_game(engine: Engine, sample: Path, scheme: str) -> None:
    capture = gd.listen(f"{scheme}://127.0.0.1:0", ping=0.05, reply=gd.replies.probe_answer)
    switch = f"probe={capture.addresses[0]}"
    with play(engine, sample, "blog/udp_server.tscn", "port=0", switch) as game:
        game.wait_connected(capture, 30)
        wait_until(lambda: (analysis.round_trips(capture.df).outcome == "answered").sum() >= 20, 30)
        wait_until(lambda: analysis.sequence(capture.df).messages.sum() >= 10, 30)
        assert game.errors == []
    trips = analysis.round_trips(capture.df).query("outcome == 'answered'")
    assert trips.rtt_ms.between(0, 5000).all()
    assert trips.turnaround_ms.notna().all(), "it says when it received and when it sent"
    assert (trips.turnaround_ms <= trips.rtt_ms).all()
    numbers = analysis.sequence(capture.df)
    assert (numbers.lost.sum(), numbers.duplicates.sum(), len(numbers)) == (0, 0, 1)


PROBED = """extends Node
var trips := []
func _ready() -> void:
	var probe := get_node("/root/GdlabProbe")
	probe.round_trip.connect(func(seq, rtt_ms): trips.append([seq, rtt_ms]))
	print("off: ", probe.url == "" and not probe.send({"hp": 1}))
	print("bad: ", probe.start("http://x"), " ", probe.start("udp://nothing"))
	print("good: ", probe.start(OS.get_environment("ECHO")))
	for i in 3:
		print("sent: ", probe.send({"hp": i}))
	while probe.answered < 10:
		await get_tree().process_frame
	print("answered: ", probe.answered == trips.size(), " ", trips[-1][1] > 0.0 and trips[-1][1] == probe.last_rtt_ms)
	probe.stop()
	get_tree().quit()
"""


def test_a_game_may_use_the_probe_itself_and_any_echo_will_do(engine: Engine, sample: Path) -> None:
    capture = gd.listen("udp://127.0.0.1:0", reply=gd.replies.echo)
    script = sample / "probed.gd"
    script.write_text(PROBED, encoding="utf-8")
    try:
        run = godot.run(script, env={"ECHO": capture.addresses[0]}, engine=engine, time_limit_s=60)
    finally:
        script.unlink()
        script.with_suffix(".gd.uid").unlink(missing_ok=True)
    assert run.prints == [
        "off: true",
        "bad: 31 31",
        "good: 0",
        "sent: true",
        "sent: true",
        "sent: true",
        "answered: true true",
    ]
    assert [error.text[:32] for error in run.errors] == [
        "gdlab probe: cannot use 'http://",
        "gdlab probe: cannot use 'udp://n",
    ]
    own = [payload for payload in received(capture) if b"hp" in payload]
    assert [payload.partition(b',"t_us"')[0] for payload in own] == [
        b'{"hp":%d,"seq":%d' % (n, n) for n in range(3)
    ]
    asked = capture.statistics().received
    assert asked < 100, "an echo of its own ping is not answered, or it would go round for ever"


def test_the_probe_finds_a_listener_that_comes_later(engine: Engine, sample: Path) -> None:
    for scheme in ("udp", "ws"):
        first = gd.listen(f"{scheme}://127.0.0.1:0")
        address = first.addresses[0]
        first.stop()
        with play(engine, sample, "blog/udp_server.tscn", "port=0", f"probe={address}") as game:
            game.wait_for("listening on port", limit(30))
            late = gd.listen(address, restart=True)
            late.wait_sync(3, timeout=limit(20))
            late.stop()
            game.stop()
