"""Every test here runs a real engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.errors import GodotEnded, WaitTimeout
from gdlab.godot import Ending, Engine, Level
from gdlab.godot.importing import is_needed
from tests.godot.helpers import fake_engine, group, linux_only, posix_only, wait_until
from tests.waiting import limit


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_prints_come_back_as_they_were(engine: Engine) -> None:
    run = godot.run(
        source="""
        func _initialize():
            print("plain")
            print("ünï 你好 🦊")
            print("two\\nlines")
            print_rich("[b]bold[/b]")
            print("")
            print("SCRIPT ERROR: not one")
            quit()
        """,
        engine=engine,
    )
    assert run.prints == ["plain", "ünï 你好 🦊", "two", "lines", "bold", "", "SCRIPT ERROR: not one"]
    assert (run.ok, run.exit_code, run.ending, run.errors) == (True, 0, Ending.EXIT, [])
    assert not run.timed_out
    assert "ended by itself with exit code 0" in str(run)
    assert run.engine == engine


def test_errors_name_the_line_of_the_text(engine: Engine) -> None:
    run = godot.run(
        source="""
            # line 2
            func _initialize():
                push_error("pushed")       # line 4
                push_warning("warned")     # line 5
                printerr("on stderr")
                helper(null)
                quit(0)

            func helper(x):
                x.no_such_function()       # line 11
        """,
        engine=engine,
    )
    table = run.table
    rows = table[table["level"].isin(["error", "warning", "script error"])]
    assert rows["level"].tolist() == ["error", "warning", "script error"]
    assert rows["line"].tolist() == [4, 5, 11]
    assert set(rows["file"]) == {"<gdscript>"}
    assert "on stderr" in table.loc[table["level"] == "stderr", "text"].tolist()
    assert run.errors[0].text == "pushed"
    assert "no_such_function" in run.errors[1].text
    assert (run.exit_code, run.ok) == (0, False), "Godot says 0 after a script error; `ok` must not"


def test_errors_name_the_file_of_the_user(engine: Engine, tmp_path: Path) -> None:
    file = write(
        tmp_path / "with space" / "my game.gd",
        "extends SceneTree\nfunc _init():\n\tvar x = null\n\tx.f()\n\tquit()\n",
    )
    other = write(
        tmp_path / "n.gd", "extends Node\nfunc _ready():\n\tpush_error('x')\n\tget_tree().quit(5)\n"
    )
    run = godot.run(file, engine=engine, stop_on="script", time_limit_s=20)
    assert (run.errors[0].file, run.errors[0].line) == (str(file), 4)
    run = godot.run(other, engine=engine)
    assert (run.errors[0].file, run.errors[0].line, run.exit_code) == (str(other), 3, 5)


def test_a_node_lives_in_a_tree(engine: Engine) -> None:
    run = godot.run(
        source="""
        extends Node
        var frames := 0
        func _ready():
            print(name, " ", is_inside_tree(), " ", get_tree().current_scene == self)
        func _process(_delta):
            frames += 1
            if frames == 3:
                print("three frames")
                get_tree().quit()
        """,
        engine=engine,
    )
    assert run.prints == ["source true true", "three frames"]
    assert run.ok


@pytest.mark.parametrize("base", ["extends SceneTree\n", "extends Node\n"])
def test_a_script_that_does_not_compile_ends_at_once_with_the_reason(engine: Engine, base: str) -> None:
    run = godot.run(source=f"{base}func _ready():\n\tpass\n\tno_such_function()\n", engine=engine)
    assert run.ending in (Ending.EXIT, Ending.ERROR)
    assert 'Function "no_such_function()" not found' in run.errors[0].text
    assert (run.errors[0].level, run.errors[0].file, run.errors[0].line) == (
        Level.SCRIPT_ERROR,
        "<gdscript>",
        4,
    )
    assert "(<gdscript>, line 4)" in run.reason
    assert not run.ok


def test_a_scene_whose_script_does_not_compile_ends_at_once_with_the_reason(
    engine: Engine, tmp_path: Path
) -> None:
    write(tmp_path / "project.godot", 'config_version=5\n[application]\nrun/main_scene="res://main.tscn"\n')
    write(
        tmp_path / "main.tscn",
        '[gd_scene format=3]\n[ext_resource type="Script" path="res://main.gd" id="1"]\n'
        '[node name="Main" type="Node"]\nscript = ExtResource("1")\n',
    )
    script = write(tmp_path / "main.gd", "extends Node\nfunc _ready():\n\tnope()\n")
    run = godot.run(project=tmp_path, engine=engine)
    assert run.ending is Ending.ERROR, "without its script the scene would run for ever"
    assert f'Function "nope()" not found in base self. ({script}, line 3)' in run.reason

    script.write_text('extends Node\nfunc _ready():\n\tprint("main scene")\n\tget_tree().quit()\n')
    run = godot.run(project=tmp_path, engine=engine)
    assert (run.prints, run.ok) == (["main scene"], True)


#: What Godot 4.6 writes when it has imported a project with one class.
KNOWN_CLASSES = """list=[{
"base": &"RefCounted",
"class": &"Greeter",
"icon": "",
"is_abstract": false,
"is_tool": false,
"language": &"GDScript",
"path": "res://greeter.gd"
}]
"""


def test_a_script_error_keeps_godot_running_until_the_limit_which_says_so(engine: Engine) -> None:
    text = "func _initialize():\n\tprint('before')\n\tvar x = null\n\tx.f()\n\tquit()\n"
    run = godot.run(source=text, engine=engine, time_limit_s=5)
    assert (run.timed_out, run.ok, run.prints) == (True, False, ["before"])
    assert 5 <= run.seconds < 60
    assert "still running at its time limit of 5 s" in run.reason
    assert "only the function it is in" in run.reason
    assert "(<gdscript>, line 4)" in run.reason

    run = godot.run(source=text, engine=engine, stop_on="script", time_limit_s=60)
    assert run.ending is Ending.ERROR
    assert "(<gdscript>, line 4)" in run.reason


def test_an_endless_loop_is_ended_by_the_limit(engine: Engine) -> None:
    run = godot.run(
        source="func _initialize():\n\tprint('in')\n\twhile true:\n\t\tOS.delay_msec(20)\n",
        engine=engine,
        time_limit_s=4,
    )
    assert (run.timed_out, run.prints, run.exit_code) == (True, ["in"], -signal.SIGKILL)


def test_exit_code_arguments_environment_and_frame_rate_reach_the_script(engine: Engine) -> None:
    run = godot.run(
        source="""
        func _initialize():
            print(OS.get_cmdline_user_args())
            print(OS.get_environment("GDLAB_TEST"), OS.get_environment("DISPLAY"))
            print(Engine.max_fps)
            quit(42)
        """,
        args=["--count=3", "ü b", "--"],
        env={"GDLAB_TEST": "yes"},
        fps=30,
        engine=engine,
    )
    assert run.prints == ['["--count=3", "ü b", "--"]', "yes", "30"]
    assert (run.exit_code, run.ok) == (42, False)


def test_a_crash_is_called_one(engine: Engine) -> None:
    run = godot.run(source="func _initialize():\n\tOS.crash('boom')\n", engine=engine)
    assert not run.ok
    assert "boom" in [error.text for error in run.errors]
    assert re.search(r"crashed or was killed from outside \(signal SIG\w+\)", run.reason)


def test_much_output_is_complete_and_in_order(engine: Engine) -> None:
    run = godot.run(
        source="""
        func _initialize():
            for i in 50000:
                print(i, " ", "x".repeat(80))
            print("y".repeat(60000))
            quit()
        """,
        engine=engine,
    )
    assert len(run.prints) == 50_001
    assert [text.split()[0] for text in run.prints[:-1]] == [str(i) for i in range(50_000)]
    assert run.prints[-1] == "y" * 60_000
    assert run.table["time_s"].is_monotonic_increasing


TICKING = """
extends Node
var n := 0
func _process(_delta):
    n += 1
    print("tick ", n)
"""


def test_a_game_is_read_while_it_runs_and_gone_when_stopped(engine: Engine) -> None:
    with godot.start(source=TICKING, engine=engine) as game:
        assert game.wait_for("tick 5").text == "tick 5"
        assert game.running
        assert "tick 5\n" in game.output
        assert "tick 5" in game.table["text"].tolist()
        seen = []
        for line in game.lines():
            seen.append(line.text)
            if line.text == "tick 10":
                break
        assert seen[2:] == [f"tick {n}" for n in range(1, 11)]
        assert "running for" in repr(game)
        pid = game.pid
        with pytest.raises(WaitTimeout, match="still runs after 0 s"):
            game.wait(0)
    run = game.stop()
    assert (run.ending, game.running, run.ok) == (Ending.STOPPED, False, False)
    assert "was stopped after" in repr(game)
    assert [line.text for line in game.lines()][2:12] == [f"tick {n}" for n in range(1, 11)]
    assert wait_until(lambda: group(pid) == set())


def test_several_games_run_at_once(engine: Engine) -> None:
    with godot.start(source=TICKING, engine=engine) as one, godot.start(source=TICKING, engine=engine) as two:
        one.wait_for("tick 2")
        two.wait_for("tick 2")
        assert one.pid != two.pid
        one.stop()
        assert two.running


def test_waiting_for_what_never_comes_ends_in_a_diagnosis(engine: Engine) -> None:
    with godot.start(
        source="func _initialize():\n\tprint('up')\n\tvar x = null\n\tx.f()\n", engine=engine
    ) as game:
        game.wait_for("up")
        game.wait_for("SCRIPT ERROR")
        with pytest.raises(WaitTimeout) as error:
            game.wait_for("connected", timeout_s=0.2)
    message = str(error.value)
    for part in (
        "'connected' was not printed within 0.2 s",
        f"process {game.pid}",
        "| up",
        "<gdscript>, line 4",
    ):
        assert part in message


def test_waiting_for_a_game_that_has_ended_says_how(engine: Engine) -> None:
    with godot.start(source="func _initialize():\n\tprint('bye')\n\tquit(3)\n", engine=engine) as game:
        with pytest.raises(GodotEnded, match=r"exit code 3.*never printed 'connected'(?s:.*)\| bye") as error:
            game.wait_for("connected", timeout_s=60)
        assert error.value.exit_code == 3
        assert game.wait_for("bye").text == "bye", "what was printed can still be waited for"


def test_the_files_of_a_text_are_gone_after_the_run(engine: Engine) -> None:
    run = godot.run(
        source="""
        func _initialize():
            print(ProjectSettings.globalize_path("res://"))
            FileAccess.open("user://save.txt", FileAccess.WRITE).store_string("x")
            print(ProjectSettings.globalize_path("user://save.txt"))
            quit()
        """,
        engine=engine,
    )
    folder, save = run.prints
    assert save.startswith(folder)
    assert not Path(folder).exists()


def test_statements_are_run_and_their_lines_are_the_users(engine: Engine) -> None:
    text = "print(PORT)\nfor i in 2:\n\tprint(i)\nvar x = null\nx.f()\n"
    run = godot.run(source=text, constants={"PORT": 4242}, stop_on="script", engine=engine)
    assert run.prints == ["4242", "0", "1"]
    assert [error.line for error in run.errors] == [5]
    run = godot.run(source="print(1)\nnope()", engine=engine)
    assert [error.line for error in run.errors if error.file] == [2]


def test_seconds_end_a_run_in_order(engine: Engine) -> None:
    text = "var n := 0\nfunc _process(_delta):\n\tn += 1\nfunc _exit_tree(): print(n)\nfunc _ready(): pass\n"
    run = godot.run(source=text, fps=20, seconds=1, engine=engine)
    assert run.ok
    assert 18 <= int(run.prints[0]) <= 21, "the tree was left in order, after so many frames"


def test_a_scene_of_a_project_runs(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "project.godot", "config_version=5\n")
    write(tmp_path / "a.gd", "extends Node\nfunc _ready():\n\tprint(name)\n\tget_tree().quit()\n")
    scene = '[gd_scene format=3]\n[ext_resource type="Script" path="res://a.gd" id="1"]\n[node name="%s" type="Node"]\n'
    for name in ("One", "Two"):
        write(tmp_path / "s" / f"{name}.tscn", scene % name + 'script = ExtResource("1")\n')
    assert godot.run(project=tmp_path, scene="s/One.tscn", engine=engine).prints == ["One"]
    assert godot.run(project=tmp_path, scene="res://s/Two.tscn", engine=engine).prints == ["Two"]
    with pytest.raises(FileNotFoundError, match=r"no scene Three\.tscn in .*it has s/One\.tscn, s/Two\.tscn"):
        godot.run(project=tmp_path, scene="Three.tscn", engine=engine)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("late.gd", "class_name Late\n"),
        ("by_identifier.tscn", '[ext_resource type="Script" uid="uid://abc" path="res://a.gd" id="1"]\n'),
        ("a.gd.uid", "uid://abc\n"),
        ("a.svg", "<svg/>"),
        ("words.csv", "keys,en\n"),
    ],
)
def test_a_project_of_nothing_but_scripts_and_scenes_needs_no_import(
    tmp_path: Path, name: str, text: str
) -> None:
    write(tmp_path / "project.godot", "config_version=5\n")
    write(tmp_path / "a.gd", "extends Node\n")
    write(tmp_path / "a.tscn", '[ext_resource type="Script" path="res://a.gd" id="1"]\n')
    for name_of_no_resource in ("LICENSE", "export_presets.cfg"):
        write(tmp_path / name_of_no_resource, "MIT\n")
    assert not is_needed(tmp_path)
    assert not is_needed(Path(godot.__file__).with_name("sample-project"))
    write(tmp_path / name, text)
    assert is_needed(tmp_path)


def test_a_script_inside_a_project_sees_class_names_also_of_what_came_after_an_import(
    engine: Engine, tmp_path: Path
) -> None:
    write(tmp_path / "project.godot", "config_version=5\n")
    greets = 'static func greet() -> String:\n\treturn "from the project"\n'
    write(tmp_path / "greeter.gd", f"class_name Greeter\n{greets}")
    assert is_needed(tmp_path)
    write(tmp_path / ".godot" / "global_script_class_cache.cfg", KNOWN_CLASSES)
    assert not is_needed(tmp_path)
    write(tmp_path / "tools" / "late.gd", "@tool\nclass_name Late extends Node\nconst X = 7\n")
    assert is_needed(tmp_path)
    main = write(
        tmp_path / "tools" / "main.gd",
        "extends SceneTree\nfunc _initialize():\n"
        "\tprint(Greeter.greet())\n\tprint(Late.X, load('res://a.svg'))\n\tquit()\n",
    )
    write(tmp_path / "a.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>')
    run = godot.run(main, engine=engine)
    assert run.ok, run.table.to_string()
    assert run.prints[0] == "from the project"
    assert run.prints[1].startswith("7(res://a.svg):<CompressedTexture2D")
    assert not is_needed(tmp_path)
    for place in (".hidden/b.svg", "left/b.svg"):
        write(tmp_path / place, "<svg/>")
    write(tmp_path / "left" / ".gdignore", "")
    assert not is_needed(tmp_path)


def test_a_game_shows_itself_with_its_last_lines(engine: Engine) -> None:
    with godot.start(source="print('<b>bold</b>')\nfor i in 30:\n\tprint('line ', i)", engine=engine) as game:
        game.wait(60)
    shown = game._repr_html_()
    assert "ended by itself" in shown
    assert "line 29" in shown
    assert "line 9<" not in shown
    assert "<b>" not in shown


def test_entries_are_followed_as_they_come(engine: Engine) -> None:
    text = "func _process(_delta):\n\tprint('tick')\n\tpush_error('bad')\n"
    seen = []
    with godot.start(source=text, engine=engine, time_limit_s=60) as game:
        assert game in godot.running()
        for entry in game.follow():
            seen.append(entry)
            if sum(entry.level == "error" for entry in seen) == 3:
                assert game.running
                break
    assert game not in godot.running()
    errors = [entry for entry in seen if entry.level == "error"]
    assert [(entry.text, entry.line) for entry in errors] == [("bad", 3)] * 3
    assert len(list(game.follow())) >= len(seen), "after the end everything is told once more, and it ends"


def test_waiting_for_a_game_to_connect(engine: Engine) -> None:
    send = "\nvar u := PacketPeerUDP.new()\nfunc _ready(): u.connect_to_host('127.0.0.1', PORT); u.put_packet([1])"
    with gd.listen("udp://127.0.0.1:0") as capture:
        port = int(capture.addresses[0].rpartition(":")[2])
        with godot.start(source=send, constants={"PORT": port}, engine=engine) as game:
            game.wait_connected(capture, 30)
        assert capture.statistics().received == 1
        with godot.start(source="func _ready(): print('up')", engine=engine) as game:
            game.wait_for("up", limit(30))
            with pytest.raises(WaitTimeout) as error:
                game.wait_connected(capture, 0.2)  # what came before this game does not count
            for part in (
                "is running (process",
                f"but nothing of it has reached {capture.addresses[0]}",
                "| up",
            ):
                assert part in str(error.value)
        with (
            godot.start(source="print('bye')", engine=engine) as game,
            pytest.raises(
                GodotEnded, match=r"exit code 0(?s:.*)Nothing of it had reached udp://(?s:.*)\| bye"
            ),
        ):
            game.wait_connected(capture, 60)
    with (
        gd.listen("tcp://127.0.0.1:0") as capture,
        godot.start(
            source="\nvar t := StreamPeerTCP.new()\nfunc _ready(): t.connect_to_host('127.0.0.1', PORT)",
            constants={"PORT": int(capture.addresses[0].rpartition(":")[2])},
            engine=engine,
        ) as game,
    ):
        game.wait_connected(capture, 30)
        assert capture.statistics().received == 0


def test_an_engine_says_what_it_can_do(engine: Engine) -> None:
    said = godot.describe(engine)
    assert said.engine == engine
    assert said.build in ("editor", "debug template", "release template")
    assert all(said.classes[name] for name in ("PacketPeerUDP", "StreamPeerTCP", "WebSocketPeer"))
    assert str(engine) in str(said)
    table = said.table.set_index("capability")
    assert table["has"].dtype == bool
    assert table.loc["imports projects", "has"] == (said.build == "editor")
    assert table.loc["backtraces", "has"] == (engine.version_info >= (4, 5, 0))
    assert "<table" in said._repr_html_()


@posix_only
def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    program = fake_engine(tmp_path / "godot", "echo hm; exit 4")
    with pytest.raises(GodotEnded, match=r"did not say what it can do: .* exit code 4"):
        godot.describe(Engine(program, "4.6.3"))


@linux_only
def test_a_game_does_not_outlive_a_killed_python(engine: Engine, tmp_path: Path) -> None:
    code = (
        "import os\nfrom pathlib import Path\nfrom gdlab import godot\n"
        f"engine = godot.Engine(Path({str(engine.path)!r}), {engine.version!r})\n"
        f"game = godot.start(source={TICKING!r}, engine=engine)\n"
        "game.wait_for('tick 3', 60)\nprint(game.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        text=True,
        # The killed Python cannot remove the folder of the source text: it may lie where pytest cleans up.
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    assert wait_until(lambda: group(pid) == set()), "the engine outlived Python"


def test_misuse_is_refused_before_an_engine_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDLAB_GODOT", "/nowhere")
    with pytest.raises(ValueError, match="exactly one of"):
        godot.run()
    with pytest.raises(ValueError, match="exactly one of"):
        godot.run("a.gd", source="x")
    with pytest.raises(ValueError, match="fps is 0"):
        godot.run(source="x", fps=0)
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="time_limit_s"):
            godot.run(source="x", time_limit_s=wrong)
        with pytest.raises(ValueError, match="seconds is"):
            godot.run(source="x", seconds=wrong)
    with pytest.raises(ValueError, match="seconds are counted in frames"):
        godot.run(source="x", seconds=1, fps=None)
    with pytest.raises(ValueError, match="scene= names a scene of a project"):
        godot.run(source="x", scene="a.tscn")
    with pytest.raises(ValueError, match="constants= are for a source text"):
        godot.run("a.gd", constants={"A": 1})
    with pytest.raises(FileNotFoundError, match=r"there is no script .*nothere\.gd"):
        godot.run(tmp_path / "nothere.gd")
    with pytest.raises(FileNotFoundError, match=r"is not a Godot project: it has no project\.godot"):
        godot.run(project=tmp_path)
    with pytest.raises(ValueError, match="it has answer_game, describe, udp_receiver, udp_sender"):
        godot.script("nothere")


@posix_only
def test_an_engine_that_ends_before_it_began_is_a_run(tmp_path: Path) -> None:
    program = fake_engine(tmp_path / "godot", "exit 9")
    for _ in range(20):  # it may be gone before `start` returns
        run = godot.run(source="quit()", engine=Engine(program, "4.6.3"))
        assert (run.exit_code, run.ok, run.prints) == (9, False, [])


@posix_only
def test_an_import_that_fails_is_an_error_with_its_last_lines(tmp_path: Path) -> None:
    program = fake_engine(tmp_path / "godot", "echo 'no room on disk' >&2; exit 1")
    write(tmp_path / "game" / "project.godot", "config_version=5\n")
    write(tmp_path / "game" / "player.gd", "class_name Player\n")
    with pytest.raises(GodotEnded, match=r"could not import the project (?s:.*)no room on disk"):
        godot.run(project=tmp_path / "game", engine=Engine(program, "4.6.3"))
