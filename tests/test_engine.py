"""The installer itself; that its engine works, all tests with the `engine` fixture show."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.engine import ARCHIVE_VARIABLE, Impossible, archives_of, install
from tests.godot.helpers import fake_engine, linux_only, posix_only

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = posix_only

ONE_LINE = "'http://mirror.example/debian/dists/bookworm/InRelease' mirror.example_InRelease 0 \n"


def uris(*bases: str) -> str:
    return "".join(
        f"'{base}/dists/x/InRelease' some_file_name 0 \n'{base}/dists/x/main/P.xz' f 0 \n" for base in bases
    )


def test_debian_archives_are_taken_from_apt() -> None:
    assert archives_of(ONE_LINE) == ["http://mirror.example/debian"]
    found = archives_of(
        uris(
            "http://a.example/debian-security",
            "http://b.example/debian",
            "http://b.example/debian",
            "http://c.example/x/debian",
        )
    )
    assert found == ["http://b.example/debian", "http://c.example/x/debian"]


def test_beside_an_ubuntu_archive_a_debian_one_is_tried() -> None:
    assert archives_of(uris("http://a.example/ubuntu", "http://p.example/ubuntu-ports")) == [
        "http://a.example/debian",
        "http://p.example/debian",
    ]


@pytest.mark.parametrize("text", ["", uris("http://a.example/debian-security", "http://vendor.example/apt")])
def test_no_archive_is_said_with_the_way_out(text: str) -> None:
    with pytest.raises(Impossible, match=f"no Debian archive.*Set {ARCHIVE_VARIABLE} to a Debian archive"):
        archives_of(text)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any program, and an empty cache; returns the folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(ARCHIVE_VARIABLE, raising=False)
    return folder


@linux_only
def test_another_system_is_told_what_to_do(bare: Path) -> None:
    with pytest.raises(Impossible, match=r"there is no apt-get here.*set GDLAB_GODOT"):
        install()


def test_another_kind_of_machine_is_told_so(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Impossible, match=r"not Debian or Ubuntu.*set GDLAB_GODOT"):
        install()


@linux_only
def test_another_architecture_is_refused(bare: Path) -> None:
    for name in ("apt-get", "dpkg-deb"):
        fake_engine(bare / name, "exit 0")
    fake_engine(bare / "dpkg", "echo riscv64")
    with pytest.raises(Impossible, match="the architecture is riscv64; only amd64 and arm64"):
        install()


@linux_only
def test_an_archive_out_of_reach_is_reported_with_the_words_of_apt(bare: Path, tmp_path: Path) -> None:
    fake_engine(bare / "dpkg", "echo amd64")
    fake_engine(bare / "dpkg-deb", "exit 0")
    fake_engine(
        bare / "apt-get",
        f"""case "$*" in *--print-uris*) echo "{ONE_LINE.strip()}"; exit 0;; esac
        echo "E: Could not resolve 'mirror.example'" >&2; exit 100""",
    )
    with pytest.raises(Impossible, match=r"Could not resolve 'mirror\.example'|keys of the Debian archive"):
        install()
    left = sorted(path.name for path in (tmp_path / "cache" / "gdlab").iterdir())
    assert left == ["godot.lock"], "a failed attempt leaves nothing but its lock"


def test_what_is_there_is_used_as_it_is(bare: Path, tmp_path: Path) -> None:
    own = fake_engine(tmp_path / "cache" / "gdlab" / "godot" / "godot", "echo 4.6.3.stable.x")
    assert install().path == own
