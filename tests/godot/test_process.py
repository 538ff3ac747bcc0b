from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gdlab.godot.process import MAX_LINE_BYTES, MAX_LINES, Child, Ending, Line, stop_all
from tests.godot.helpers import alive, group, linux_only, posix_only, wait_until

pytestmark = posix_only


def shell(body: str, time_limit_s: float | None = 20.0) -> Child:
    return Child(["/bin/sh", "-c", body], name="gdlab-test", time_limit_s=time_limit_s)


def texts(child: Child, stream: str = "stdout") -> list[str]:
    return [line.text for line in child.lines() if line.stream == stream]


def test_lines_of_both_streams_and_the_exit_code_are_kept() -> None:
    child = shell("echo one; echo two >&2; printf 'no end of line'; exit 7")
    assert child.wait(20)
    assert texts(child) == ["one", "no end of line"]
    assert texts(child, "stderr") == ["two"]
    assert (child.exit_code, child.ending, child.running) == (7, Ending.EXIT, False)
    assert 0 < child.seconds < 20
    assert child.elapsed_s == child.seconds


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    child = shell(r"printf 'a\377b\r\n\000\n'")
    assert child.wait(20)
    assert texts(child) == ["a\ufffdb", "\0"]


def test_the_time_limit_kills() -> None:
    child = shell("echo up; exec sleep 600", time_limit_s=0.3)
    assert child.wait(20)
    assert (child.ending, child.exit_code, texts(child)) == (Ending.TIME_LIMIT, -signal.SIGKILL, ["up"])


def test_stop_kills_what_ignores_signals_and_may_be_called_again() -> None:
    child = shell("trap '' TERM INT HUP; echo up; while :; do sleep 600; done")
    assert wait_until(lambda: texts(child) == ["up"])
    child.stop()
    assert (child.ending, child.running) == (Ending.STOPPED, False)
    child.stop()
    assert child.ending is Ending.STOPPED


def test_waiting_can_be_given_up() -> None:
    child = shell("exec sleep 600")
    assert not child.wait(0.01)
    assert child.running
    child.stop()


@linux_only
def test_grandchildren_go_too_when_stopped_and_when_the_child_has_ended() -> None:
    child = shell("sleep 600 & sleep 600 & echo up; wait")
    assert wait_until(lambda: texts(child) == ["up"])
    assert len(group(child.pid)) == 3
    child.stop()
    assert group(child.pid) == set()

    child = shell("sleep 600 & echo up")
    assert child.wait(20)
    assert child.ending is Ending.EXIT
    assert wait_until(lambda: group(child.pid) == set())


@linux_only
def test_a_grandchild_that_left_the_group_does_not_hold_us_up(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"  # the child ends only after the grandchild has left
    os.mkfifo(fifo)
    child = shell(f"setsid sh -c 'echo $$; echo >{fifo}; exec sleep 600' & read -r _ <{fifo}")
    assert child.wait(20), "the pipe that the grandchild holds is waited for"
    (escaped,) = texts(child)
    assert alive(int(escaped))
    os.kill(int(escaped), signal.SIGKILL)


def test_a_program_that_is_not_there_leaves_nothing_behind() -> None:
    with pytest.raises(FileNotFoundError):
        Child(["/nowhere/program"], name="gdlab-test")


def test_lines_come_while_it_runs() -> None:
    child = shell("echo one; read -r x; echo two", time_limit_s=None)  # standard input is empty: it goes on
    new, position = child.lines_from(0, 20)
    while position < 2:
        more, position = child.lines_from(position, 20)
        new += more
    assert [line.text for line in new] == ["one", "two"]
    assert child.wait(20)
    assert child.lines_from(position, 20) == ((), 2)


def test_the_callback_gets_each_line_and_may_end_the_child() -> None:
    seen: list[Line] = []

    def on_line(child: Child, line: Line) -> None:
        seen.append(line)
        child.ask_to_end(Ending.ERROR)

    child = Child(["/bin/sh", "-c", "echo bad; exec sleep 600"], name="gdlab-test", on_line=on_line)
    assert child.wait(20)
    assert ([line.text for line in seen], child.ending) == (["bad"], Ending.ERROR)


def test_a_child_given_some_more_time_may_end_by_itself() -> None:
    child = shell("read -r x; echo last words; exit 3")
    child.end_within(20, Ending.ERROR)
    assert child.wait(20)
    assert (child.ending, child.exit_code, texts(child)) == (Ending.EXIT, 3, ["last words"])

    child = shell("exec sleep 600", time_limit_s=None)
    child.end_within(0.05, Ending.ERROR)
    child.end_within(500, Ending.STOPPED)  # a later deadline changes nothing
    assert child.wait(20)
    assert child.ending is Ending.ERROR


def test_over_long_lines_are_cut() -> None:
    size = 3 * MAX_LINE_BYTES + 17
    child = shell(f"head -c {size} /dev/zero | tr '\\0' x; echo; echo next")
    assert child.wait(20)
    assert texts(child)[1:] == ["next"]
    assert texts(child)[0].rstrip("…").strip("x") == ""
    assert MAX_LINE_BYTES <= len(texts(child)[0]) <= MAX_LINE_BYTES + 1


@pytest.mark.slow
def test_too_many_lines_drop_the_oldest_and_count_them() -> None:
    child = shell(f"seq {MAX_LINES + 1000}")
    assert child.wait(60)
    assert (len(child.lines()), child.dropped_lines) == (MAX_LINES, 1000)
    assert (texts(child)[0], texts(child)[-1]) == ("1001", str(MAX_LINES + 1000))
    new, position = child.lines_from(5, 1)
    assert (new[0].text, position) == ("1001", MAX_LINES + 1000)


def test_stop_all_stops_all() -> None:
    several = [shell("exec sleep 600") for _ in range(3)]
    assert stop_all() == 3
    assert [child.ending for child in several] == [Ending.STOPPED] * 3
    assert stop_all() == 0


PARENT = """
import sys, time
from gdlab.godot.process import Child
child = Child(["/bin/sh", "-c", "sleep 600 & sleep 600 & echo up; wait"], name="gdlab-test")
while not child.lines():
    child.lines_from(0, 20)
print(child.pid, flush=True)
sys.stdin.readline()
{end}
"""


@pytest.mark.slow
@linux_only
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit()", "os._exit(3)", "raise SystemError"])
def test_the_group_is_gone_when_python_ends_in_whatever_way(end: str, tmp_path: Path) -> None:
    code = PARENT.format(end=f"import os; {end}")
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert len(group(pid)) == 3
        parent.stdin.write("\n")
        parent.stdin.flush()
        parent.wait(20)
    assert wait_until(lambda: group(pid) == set()), f"{group(pid)} outlived Python"
    assert not alive(pid)
