"""Files appear whole under their name, or not at all."""

import pytest

from gdlab.files.atomic import replacing


def write(path, content):
    with replacing(path) as file:
        file.write(content)


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.csv"
    write(path, b"one")
    write(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, SystemExit])
def test_until_the_end_nothing_is_seen_and_after_an_error_nothing_is_left(tmp_path, error):
    path = tmp_path / "a.csv"
    write(path, b"before")

    def fail():
        with replacing(path) as file:
            file.write(b"half of it")
            file.flush()
            assert path.read_bytes() == b"before"
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "a.csv"
    link.symlink_to(tmp_path / "real" / "there.csv")
    write(link, b"content")
    assert link.is_symlink()
    assert (tmp_path / "real" / "there.csv").read_bytes() == b"content"


def test_a_name_as_long_as_the_system_takes_is_no_error(tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")
    write(path, b"content")
    assert path.read_bytes() == b"content"


def test_folders_devices_and_missing_folders_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "device"):
        if path.name == "device":
            path.symlink_to("/dev/null")
        with pytest.raises(OSError, match="not an ordinary file"):
            write(path, b"")
    with pytest.raises(FileNotFoundError, match="make it first"):
        write(tmp_path / "no" / "a.csv", b"")
