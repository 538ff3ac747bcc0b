"""The command line: the demonstration, the lab's notebooks, and what bad arguments say."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import gdlab as gd
from gdlab import cli
from gdlab.cli import demo, lab
from gdlab.files import progress
from tests.waiting import limit, wait_until

ROOT = Path(__file__).resolve().parents[1]


def test_the_demonstration_shows_a_summary_and_writes_csv_and_pictures(tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        cli.main(["demo", "--seconds", "0.7", "--port", "0", "--source", "embedded", "--out", str(out)]) == 0
    )
    said = capsys.readouterr().out
    assert "the embedded source (asked for)" in said
    assert "messages per second" in said
    assert "round-trip time" in said
    assert {path.name for path in out.iterdir()} == {
        "capture.csv",
        "capture.gdlab.json",
        "latency.png",
        "rates.png",
    }
    table = gd.load(out / "capture.csv").df
    assert table.payload.iloc[0] == b"The answer is... 42!"
    for name in ("rates", "latency"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_demonstration_that_could_not_be_written_captures_nothing(place, tmp_path, capsys):
    (tmp_path / "file").write_text("somebody's")
    assert cli.main(["demo", "--port", "0", "--out", str(tmp_path / place)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("gdlab: ")


@pytest.mark.slow
def test_a_demonstration_that_is_ended_early_tells_and_writes_what_has_come(tmp_path, capsys, monkeypatch):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(demo, "time", SimpleNamespace(monotonic=time.monotonic, sleep=nap))
    out = tmp_path / "out"
    assert (
        cli.main(["demo", "--seconds", "60", "--port", "0", "--source", "embedded", "--out", str(out)]) == 0
    )
    assert (out / "capture.csv").is_file()
    said = capsys.readouterr().out
    assert "s to go" in said
    assert "Ctrl-C" in said


@pytest.mark.slow
def test_an_option_that_jupyter_does_not_have_opens_no_lab(tmp_path, capsys):
    assert cli.main(["lab", "--folder", str(tmp_path), "--no-traffic", "--prot=9999"]) == 2
    assert "no option --prot; did you mean --port?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.godot
def test_the_demonstration_with_a_real_engine(engine, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GDLAB_GODOT", str(engine.path))
    assert (
        cli.main(["demo", "--seconds", "0.7", "--port", "0", "--source", "godot", "--out", str(tmp_path)])
        == 0
    )
    assert f"Godot {engine.version}" in capsys.readouterr().out


def test_a_taken_port_is_said_in_one_line(tmp_path, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        assert cli.main(["demo", "--port", port, "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("gdlab: ")
    assert f"port {port}" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [[], ["demo", "--seconds", "-1"], ["demo", "--seconds", "soon"], ["demo", "--unknown"], ["dance"]],
)
def test_bad_arguments_are_explained(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: gdlab" in capsys.readouterr().err


def test_the_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"gdlab {gd.__version__}\n"


def test_the_lab_opens_the_notebooks_that_are_there(tmp_path):
    assert lab.notebook_folder(ROOT / "notebooks") == ROOT / "notebooks"


def test_in_a_clone_people_work_in_copies(tmp_path, monkeypatch):
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "notebooks", clone / "notebooks")
    monkeypatch.setattr(lab.handout, "shipped", lambda language: clone / "notebooks")
    copies = lab.notebook_folder(clone)
    assert copies == clone / lab.COPIES
    original, copy = clone / "notebooks" / lab.FIRST, copies / lab.FIRST
    original.write_text("a new version")
    lab.notebook_folder(clone)
    assert copy.read_text() == "a new version"  # nobody had worked in it
    copy.write_text("mine")
    original.write_text("a newer version")
    lab.notebook_folder(clone)
    assert copy.read_text() == "mine"


def test_the_lab_speaks_chinese(tmp_path):
    folder = lab.notebook_folder(tmp_path, "zh")
    assert "第一个数据包" in (folder / lab.FIRST).read_text(encoding="utf-8")


def test_elsewhere_the_lab_puts_notebooks_and_overwrites_none(tmp_path):
    folder = lab.notebook_folder(tmp_path)
    first = folder / lab.FIRST
    assert folder == tmp_path / "gdlab-notebooks"
    assert first.is_file()
    first.write_text("mine")
    assert lab.notebook_folder(tmp_path) == folder
    assert first.read_text() == "mine"


def test_the_console_script_is_installed():
    script = shutil.which("gdlab", path=str(Path(sys.executable).parent))
    assert script
    said = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    assert "lab" in said
    assert "demo" in said


def test_the_doctor_prints_its_table_and_fails_where_something_has_failed(capsys, monkeypatch, tmp_path):
    status = cli.main(["doctor", "--seconds", "20"])
    said = capsys.readouterr().out
    assert "time stamps" in said
    assert said.splitlines()[-1].startswith(("All is well", "0 failed")) == (status == 0)
    monkeypatch.setenv("GDLAB_GODOT", str(tmp_path / "nowhere"))
    assert cli.main(["doctor", "--seconds", "20"]) == 1
    assert "fail  Godot" in capsys.readouterr().out


def test_convert_takes_any_file(tmp_path, capsys):
    source = gd.sample("three-players").to_csv(tmp_path / "run.csv")
    for name in ("run.parquet", "run.pcapng", "again.csv.gz"):
        assert cli.main(["convert", str(source), str(tmp_path / name)]) == 0
        assert len(gd.load(tmp_path / name)) == len(gd.load(source))
    assert cli.main(["convert", str(source), str(tmp_path / "run.xlsx")]) == 1
    assert "does not say what to write" in capsys.readouterr().err


@pytest.mark.slow
def test_report_takes_any_file(tmp_path):
    source = gd.sample("three-players").to_csv(tmp_path / "run.csv")
    assert cli.main(["report", str(source), "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "report.html").exists()


def test_a_report_of_a_file_that_is_not_there_is_said(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_convert_that_is_interrupted_ends_at_once_and_leaves_no_half_file(tmp_path, monkeypatch):
    source = gd.sample("three-players").to_csv(tmp_path / "run.csv")
    there = sorted(tmp_path.iterdir())
    advance = progress.Progress.advance

    def interrupted(self, rows):
        advance(self, rows)
        if "again" in self._label:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "advance", interrupted)
    for name in ("again.parquet", "again.csv", "again.pcapng"):
        assert cli.main(["convert", str(source), str(tmp_path / name)]) == 130
        assert sorted(tmp_path.iterdir()) == there


@pytest.mark.slow
def test_a_capture_in_a_terminal_ends_in_order_when_the_system_asks(tmp_path):
    command = [
        sys.executable,
        "-m",
        "gdlab.cli",
        "capture",
        "udp://127.0.0.1:0",
        "--spill",
        str(tmp_path / "spill"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        address = first.split()[2].rstrip(",")
        host, port = address.removeprefix("udp://").split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(20):
                sender.sendto(b"%d" % number, (host, int(port)))
        process.terminate()
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 0, told
    assert "20 messages received" in told
    assert list(gd.load(tmp_path / "spill").df.payload) == [b"%d" % number for number in range(20)]


@pytest.mark.slow
def test_a_capture_in_a_terminal_closes_parts_while_it_runs(tmp_path):
    folder = tmp_path / "spill"
    command = [sys.executable, "-m", "gdlab.cli", "capture", "udp://127.0.0.1:0", "--limit", "64MiB"]
    command += ["--spill", str(folder), "--parts", "1s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[2].rstrip(",")
        host, port = address.removeprefix("udp://").split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(20):
                sender.sendto(b"%d" % number, (host, int(port)))
            wait_until(lambda: list(folder.rglob("*.parquet")), limit(30))
            sender.sendto(b"20", (host, int(port)))
        process.terminate()
        told, _ = process.communicate(timeout=limit(30))
    assert process.returncode == 0, told
    assert "21 rows on the disk, 0 missed" in told
    assert not (folder / "_running").exists()
    assert list(gd.load(folder).df.payload) == [b"%d" % number for number in range(21)]


def test_parts_that_are_none_end_with_a_line_and_1(tmp_path, capsys):
    arguments = ["capture", "udp://127.0.0.1:0", "--spill", str(tmp_path), "--parts", "sometimes"]
    assert cli.main(arguments) == 1
    assert "is no period" in capsys.readouterr().err
