"""The magics in a real kernel, with a real engine."""

import re
import time
import warnings

import pytest

from tests import warm
from tests.godot.helpers import alive
from tests.notebooks.test_kernel import PAUSE_S, Kernel
from tests.waiting import limit, wait_until

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, engine, warm_kernels):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own transport libraries
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setenv("JUPYTER_PATH", str(warm_kernels))
        patch.setenv("GDLAB_GODOT", str(engine.path))
        started = Kernel(warm.NAME)
        said, error = started.run("%load_ext gdlab\nimport gdlab as gd\nprint('ready')")
        assert (said.strip(), error) == ("ready", ("", ""))
        yield started
        started.close()


def cell(options, *lines):
    return "\n".join([f"%%gdscript {options}".rstrip(), *lines])


def test_statements_run_one_after_the_other_and_the_result_is_kept(kernel):
    said, error = kernel.run(
        cell("--result run -- one 'two words'", 'print("ünï 你好")', "for i in 2:", "\tprint(i)",
             "await create_timer(0.05).timeout", "print(OS.get_cmdline_user_args())", 'printerr("beside")')
    )  # fmt: skip
    assert error == ("", "")
    # Standard error is a pipe of its own, so "beside" may come a little earlier.
    assert said.replace("beside\n", "", 1).startswith('ünï 你好\n0\n1\n["one", "two words"]\n')
    assert "beside\n" in said
    assert "<Run ok: " in said
    said, _ = kernel.run("print(run.ok, len(run.prints), 'beside' in set(run.table['text']), _ is run)")
    assert said == "True 4 True True\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("extends SceneTree", "func _initialize():", "\tprint(Engine.max_fps)", "\tquit()"), "30"),
        (("func _process(_delta):", "\tprint('process of a tree')", "\treturn true"), "process of a tree"),
        (("func _ready():", "\tprint(is_inside_tree())", "\tget_tree().quit()"), "true"),
        (("extends Node2D", "func _ready():", "\tprint(position)", "\tget_tree().quit()"), "(0.0, 0.0)"),
    ],
)
def test_trees_and_nodes_with_and_without_extends(kernel, lines, said):
    shown, error = kernel.run(cell("--fps 30", *lines))
    assert error == ("", "")
    assert shown.splitlines()[0] == said


def test_errors_point_to_the_line_of_the_cell(kernel):
    # Line 1 is the magic itself, as the notebook counts.
    body = ("func _initialize():", "\tvar nothing = null", "\tnothing.call_me()", "\tquit()")
    shown, error = kernel.run(cell("", *body))
    assert error[0] == "CellFailed"
    assert re.match(r"line 4: .*call_me", error[1])
    assert "script error" not in shown, "it is not told twice"

    _, error = kernel.run(cell("", "print(1)", "no_such_function()"))
    assert re.match(r"line 3: Parse Error: .*no_such_function", error[1])

    _, error = kernel.run(cell("", "print(HOST)"))
    assert re.match(r"line 2: .*%%gdscript --listen cap", error[1])

    shown, error = kernel.run(cell("", 'push_error("pushed")', 'push_warning("warned")'))
    assert error == ("", "")
    assert "error in line 2: pushed\n" in shown
    assert "warning in line 3: warned\n" in shown


def traceback(kernel, code):
    """What the front end shows for the error of a cell, without colours."""
    request = kernel.begin(code)
    while True:
        message = kernel.client.get_iopub_msg(timeout=limit(60))
        if message["parent_header"].get("msg_id") == request and message["msg_type"] == "error":
            break
    kernel.end(request)
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(message["content"]["traceback"]))


def test_the_error_quotes_the_cell_and_not_our_python(kernel):
    text = traceback(kernel, cell("", "print(1)", "var a = 2", "no_such_function()"))
    assert "---->   4 no_such_function()" in text
    assert "        3 var a = 2" in text
    assert "magic.py" not in text


def test_the_link_tells_the_calls_that_led_to_an_error(kernel):
    lines = ["func _ready():", "\tprint('here')", "\touter()", "func outer():", "\tinner(null)", "func inner(x):",
             "\tx.missing()"]  # fmt: skip
    said, (name, value) = kernel.run(cell("--watch seen", *lines))
    assert (name, value.split(":")[0]) == ("CellFailed", "line 8")
    assert said.splitlines()[0] == "here"
    shown = re.sub(r"\x1b\[[0-9;]*m", "", traceback(kernel, cell("--debug", *lines)))
    assert "in inner(), line 8\n  called from outer(), line 6\n  called from _ready(), line 4" in shown
    said, _ = kernel.run("print(seen.running, seen.log[seen.log.kind == 'script_error'].line.tolist())")
    assert said == "False [8]\n"


def test_a_script_may_go_on_after_an_error(kernel):
    body = ("func _process(_delta):", "\tif Engine.get_frames_drawn() >= 0:", "\t\tvar nothing = null")
    said, error = kernel.run(cell("--keep-going --seconds 0.5 --result run", *body, "\t\tnothing.f()"))
    assert error == ("", "")
    assert said.count("script error in line 5") > 5
    assert kernel.run("print(run.ending, run.ok)")[0] == "exit False\n"


def test_the_time_is_a_limit_also_for_a_loop_that_never_ends(kernel):
    said, error = kernel.run(cell("--seconds 0.3", "func _process(_delta):", "\tpass"))
    assert error == ("", "")
    assert "<Run ok" in said
    _, error = kernel.run(cell("--seconds 0.1", "while true:", "\tpass"))
    assert error[0] == "CellFailed"
    assert "is there a loop that never ends?" in error[1]


@pytest.mark.parametrize(
    ("scheme", "peer", "send"),
    [
        ("udp", "PacketPeerUDP", 'p.connect_to_host(HOST, PORT); p.put_packet("hi".to_utf8_buffer())'),
        ("tcp", "StreamPeerTCP", "p.connect_to_host(HOST, PORT)"),
        ("ws", "WebSocketPeer", "p.connect_to_url(URL)"),
    ],
)
def test_the_script_knows_where_the_capture_listens(kernel, scheme, peer, send):
    kernel.run(f"cap = gd.listen('{scheme}://localhost:0')")
    lines = [
        f"var p = {peer}.new()",
        send,
        "for i in 120:",
        "\tawait process_frame",
        '\tif p.has_method("poll"): p.poll()',
        '\tif i == 60 and p is StreamPeer: p.put_data("hi\\n".to_utf8_buffer())',
        '\tif i == 60 and p is WebSocketPeer: p.send_text("hi")',
        'print(URL == OS.get_environment("GDLAB_URL"), " ", PORT)',
    ]
    said, error = kernel.run(cell("--listen cap", *lines))
    assert error == ("", "")
    assert "(cap received 1 message)" in said
    port = kernel.run("print(cap.addresses[0].rpartition(':')[2].strip('/'))")[0].strip()
    assert f"true {port}\n" in said
    said, _ = kernel.run("print(cap.df.query(\"event == 'message'\").payload.iloc[0].strip()); cap.stop()")
    assert said == "b'hi'\n"


def test_a_script_that_sends_nothing_is_told_so(kernel):
    kernel.run("silent = gd.listen('udp://127.0.0.1:0')")
    said, error = kernel.run(
        cell("--listen silent", "const PORT = 7", "func _initialize():", "\tprint(PORT, HOST)\n\tquit()")
    )
    assert error == ("", "")
    assert said.startswith("7127.0.0.1\n"), "a name that the script declares is its own"
    assert "silent received nothing from this cell: is the game running" in said
    kernel.run("silent.stop()")
    for name, why in (("silent", "has been stopped"), ("nobody", "there is no capture of this name")):
        said, _ = kernel.run(cell(f"--listen {name}", "print(1)"))
        assert said.startswith(f"UsageError: --listen {name}: ")
        assert why in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--frames 3", "unrecognized arguments"),
        ("--fps 0", "it must be 1 or more"),
        ("--seconds nan", "it must be positive"),
        ("--listen 'x", "No closing quotation"),
        ("--result 1x", "cannot be a name"),
    ],
)
def test_misuse_is_told_and_leaves_the_kernel_alone(kernel, options, why):
    said, _ = kernel.run(cell(options, "print(1)"))  # IPython prints it, and sends no error
    assert said.startswith("UsageError: %%gdscript: ")
    assert why in said
    assert "[--fps FPS]" in said


def test_no_engine_is_an_error_that_says_how_to_get_one(kernel):
    kernel.run("import os; before = os.environ['GDLAB_GODOT']; os.environ['GDLAB_GODOT'] = '/nowhere/godot'")
    text = traceback(kernel, cell("", "print(1)"))
    kernel.run("os.environ['GDLAB_GODOT'] = before")
    assert text.startswith("GodotNotFound: GDLAB_GODOT is '/nowhere/godot'")
    assert "godotengine.org" in text
    assert "magic.py" not in text


def test_very_much_output_does_not_reach_the_notebook_whole(kernel):
    said, error = kernel.run(cell("--result run", "for i in 3000:", '\tprint("line ", i)'))
    assert error == ("", "")
    assert "line 999\n" in said
    assert "line 1000\n" not in said
    assert "more than 1000 lines" in said
    assert kernel.run("print(len(run.prints))")[0] == "3000\n"


def test_an_interrupt_ends_the_engine(kernel):
    request = kernel.begin(
        cell("--seconds 600", "func _initialize():", '\tprint("process ", OS.get_process_id())')
    )
    pid = process_id(kernel, request)
    assert alive(pid)
    time.sleep(PAUSE_S)
    kernel.manager.interrupt_kernel()
    _, error = kernel.end(request)
    assert error[0] == "KeyboardInterrupt"
    assert not alive(pid), "it is gone when the cell has ended, not some time later"
    assert kernel.run("print(gd.godot.running())")[0] == "()\n"


def test_an_interrupt_while_the_engine_starts_leaves_nothing(kernel):
    for pause_s in (0.0, 0.02, 0.1, 0.3):
        request = kernel.begin("print('be' + 'gins', flush=True)\nget_ipython().run_cell_magic('gdscript', "
                               "'--seconds 600', 'func _process(_delta):\\n\\tpass')")  # fmt: skip
        kernel.wait_for_output(request, "begins")
        time.sleep(pause_s)
        kernel.manager.interrupt_kernel()
        _, error = kernel.end(request)
        assert error[0] == "KeyboardInterrupt"
        assert kernel.run("print(gd.godot.running(), gd.godot.stop_all())")[0] == "() 0\n"


def test_what_runs_is_told_and_stopped(kernel):
    assert "no capture and no engine" in kernel.run("%gdlab")[0]
    kernel.run("cap = gd.listen('udp://127.0.0.1:0'); game = gd.godot.start(source='func _ready(): pass')")
    said, _ = kernel.run("%gdlab status")
    assert "<Capture: listening on udp://127.0.0.1:" in said
    assert "<Game the source text: running for" in said
    said, _ = kernel.run("%gdlab stop\nprint(cap.running, game.running)")
    assert said == "stopped: captures 1, engines 1\nFalse False\n"
    assert "knows `status` and `stop`, not 'restart'" in kernel.run("%gdlab restart")[0]


def test_a_killed_kernel_takes_its_engine_along(tmp_path, monkeypatch, engine):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # nobody is left to remove the script's folder
    monkeypatch.setenv("GDLAB_GODOT", str(engine.path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        killed = Kernel()
        try:
            killed.run("%load_ext gdlab")
            request = killed.begin(
                cell("--seconds 600", "func _initialize():", '\tprint("process ", OS.get_process_id())')
            )
            pid = process_id(killed, request)
            killed.manager.signal_kernel(9)
            wait_until(lambda: not alive(pid), 20)
        finally:
            killed.close()


def process_id(kernel, request):
    """What the cell printed as the id of its engine."""
    while True:
        message = kernel.client.get_iopub_msg(timeout=limit(60))
        ours = message["parent_header"].get("msg_id") == request and message["msg_type"] == "stream"
        if ours and (found := re.search(r"process (\d+)", message["content"]["text"])):
            return int(found[1])
