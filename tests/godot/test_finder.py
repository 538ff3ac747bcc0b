from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from gdlab.errors import GodotNotFound, GodotVersionError
from gdlab.godot import Engine, cache_folder, find
from gdlab.godot.finder import check
from gdlab.godot.places import installed
from tests.godot.helpers import fake_engine, posix_only

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = posix_only

GODOT_4 = "echo 4.6.3.stable.official.abcdef123"
GODOT_3 = "echo 3.5.2.stable.official.abcdef123"


@pytest.fixture(autouse=True)
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any engine; returns the folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GDLAB_GODOT", raising=False)
    return folder


def test_the_variable_comes_first(no_engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(no_engine / "godot", GODOT_4)
    mine = fake_engine(tmp_path / "my engine", "echo 4.2.1.stable.official.b09f793f5")
    monkeypatch.setenv("GDLAB_GODOT", str(mine))
    assert find() == Engine(mine, "4.2.1.stable.official.b09f793f5", "GDLAB_GODOT")


def test_the_variable_may_name_a_program_on_path(no_engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(no_engine / "godot-dev", GODOT_4)
    monkeypatch.setenv("GDLAB_GODOT", "godot-dev")
    assert find().path == no_engine / "godot-dev"


@pytest.mark.parametrize("name", ["godot", "godot4"])
def test_programs_on_path_are_found(no_engine: Path, name: str) -> None:
    program = fake_engine(no_engine / name, GODOT_4)
    engine = find()
    assert engine.path == program
    assert engine.version_info == (4, 6, 3)
    assert str(engine) == f"Godot 4.6.3.stable.official.abcdef123 at {program}"


def test_the_cache_folder_comes_last(no_engine: Path, tmp_path: Path) -> None:
    own = fake_engine(tmp_path / "cache" / "gdlab" / "godot" / "godot", GODOT_4)
    assert find().path == own
    first = fake_engine(no_engine / "godot4", GODOT_4)
    assert find().path == first


def test_the_cache_folder_follows_the_xdg_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "gdlab" / "godot"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / "home" / ".cache" / "gdlab" / "godot"


def test_nothing_found_says_where_was_looked_and_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(GodotNotFound) as error:
        find()
    message = str(error.value)
    for place in ("GDLAB_GODOT: not set", "`godot` on PATH", "`godot4` on PATH", str(tmp_path / "cache")):
        assert place in message
    assert "Get Godot 4 from" in message
    assert isinstance(error.value, FileNotFoundError)


def test_an_installed_engine_is_found_last(no_engine: Path, tmp_path: Path) -> None:
    steam = tmp_path / "home/.local/share/Steam/steamapps/common/Godot Engine/godot.x11.opt.tools.64"
    if sys.platform == "darwin":
        steam = tmp_path / "home/Applications/Godot.app/Contents/MacOS/Godot"
    fake_engine(steam, GODOT_4)
    assert find().path == steam
    first = fake_engine(no_engine / "godot", GODOT_4)
    assert find().path == first


def test_where_installers_put_it(tmp_path: Path) -> None:
    made = [
        tmp_path / "Applications/Godot_4.5.app/Contents/MacOS/Godot",
        tmp_path / "Program Files/Godot/Godot_v4.6-stable_win64.exe",
        tmp_path / "Program Files/Godot/Godot_v4.6-stable_win64_console.exe",
        tmp_path / "Program Files/Steam/steamapps/common/Godot Engine/godot.windows.opt.tools.64.exe",
    ]
    for path in made:
        fake_engine(path, GODOT_4)
    assert made[0] in installed("darwin", tmp_path, {})
    windows = list(installed("win32", tmp_path, {"ProgramFiles": str(tmp_path / "Program Files")}))
    assert windows[0] == made[2], "the one that hands on what is printed comes first"
    assert set(windows) == set(made[1:])
    assert list(installed("linux", tmp_path, {})) == []


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("Downloads/Godot_v4.6-stable_linux.x86_64", ""),
        ("Desktop/Godot_v4.6-stable_linux.x86_64", "Godot_v4.6-stable_linux.x86_64"),
        ("Downloads/Godot_v4.6.app", "Contents/MacOS/Godot"),
    ],
)
def test_a_download_is_named_and_not_started(tmp_path: Path, name: str, program: str) -> None:
    there = fake_engine(tmp_path / "home" / name / program, f"touch {tmp_path}/started; {GODOT_4}")
    (tmp_path / "home/Downloads").mkdir(exist_ok=True)
    (tmp_path / "home/Downloads/Godot_v4.9-stable_linux.x86_64.zip").write_bytes(b"PK")
    with pytest.raises(GodotNotFound) as error:
        find()
    assert f"There is {there}: set GDLAB_GODOT to it." in str(error.value).splitlines()
    assert not (tmp_path / "started").exists()


def test_a_variable_that_names_nothing_is_an_error(no_engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(no_engine / "godot", GODOT_4)
    monkeypatch.setenv("GDLAB_GODOT", "/nowhere/godot")
    with pytest.raises(GodotNotFound, match="GDLAB_GODOT is '/nowhere/godot', but there is no such program"):
        find()


def test_godot_3_is_refused_in_words(no_engine: Path) -> None:
    program = fake_engine(no_engine / "godot", GODOT_3)
    with pytest.raises(GodotVersionError) as error:
        find()
    assert f"{program} is Godot 3.5.2.stable.official.abcdef123. gdlab needs Godot 4" in str(error.value)


def test_a_godot_3_does_not_hide_a_godot_4(no_engine: Path) -> None:
    fake_engine(no_engine / "godot", GODOT_3)
    program = fake_engine(no_engine / "godot4", GODOT_4)
    assert find().path == program


def test_the_variable_naming_a_godot_3_is_an_error_although_there_is_a_godot_4(
    no_engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine(no_engine / "godot", GODOT_4)
    monkeypatch.setenv("GDLAB_GODOT", str(fake_engine(tmp_path / "old", GODOT_3)))
    with pytest.raises(GodotVersionError):
        find()


def test_an_engine_that_hangs_is_given_up(tmp_path: Path) -> None:
    program = fake_engine(tmp_path / "godot", "echo waiting; /bin/sleep 600 & wait")
    with pytest.raises(GodotNotFound, match=r"did not tell its version within 0\.3 s \(printed 'waiting'\)"):
        check(program, time_limit_s=0.3)


def test_an_engine_that_fails_is_reported_with_its_words(no_engine: Path) -> None:
    fake_engine(no_engine / "godot", "echo 'error while loading shared libraries: libfoo.so' >&2; exit 127")
    with pytest.raises(GodotNotFound) as error:
        find()
    assert "ended with exit code 127 and printed 'error while loading shared libraries" in str(error.value)


@pytest.mark.parametrize(
    "body",
    [
        "exec /bin/head -c 300000 /dev/urandom",
        "echo Hello",
        "printf '4.6\\n'",
        "exit 0",
        "echo v4.6.3.stable.x",
    ],
)
def test_a_program_that_is_something_else_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(GodotNotFound, match="is not a Godot that works"):
        check(fake_engine(tmp_path / "godot", body))


def test_a_program_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "godot"
    program.write_bytes(b"\x7fELF but not really")
    program.chmod(0o755)
    with pytest.raises(GodotNotFound, match="cannot be started"):
        check(program)
    program.chmod(0o644)
    if os.geteuid() != 0 or not os.access(program, os.X_OK):
        with pytest.raises(GodotNotFound, match="cannot be started: Permission denied"):
            check(program)


def test_noise_around_the_version_does_no_harm(tmp_path: Path) -> None:
    body = "echo 'Xlib: something' >&2; echo; echo 4.7.dev1.official.1234567"
    assert check(fake_engine(tmp_path / "godot", body)).version_info == (4, 7, 0)


def test_the_real_engine_is_a_godot_4(engine: Engine) -> None:
    found = check(engine.path)
    assert found.version == engine.version
    assert found.version_info >= (4, 0, 0)
