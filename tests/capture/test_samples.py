"""The canned captures: each loads, says where it comes from, and shows what its lesson says."""

import subprocess
import sys

import pytest

import gdlab as gd
from gdlab.capture.samples import FOLDER, names
from gdlab.messages import SCHEMA
from tests.samples.checks import CHECKS
from tests.samples.make import RECIPES
from tests.some import some
from tests.waiting import limit

LARGEST_BYTES = 300_000


def test_there_is_a_recipe_and_a_check_for_each():
    assert names() == sorted(RECIPES) == sorted(CHECKS)


@pytest.mark.parametrize("name", names())
def test_it_shows_what_its_lesson_says(name):
    recording = gd.sample(name)
    assert isinstance(recording, gd.Recording)
    assert recording.notes == ()
    table = recording.df
    assert {column.name: column.dtype for column in SCHEMA} == {
        name: dtype.name for name, dtype in table.dtypes.items()
    }
    about = recording.provenance["sample"]
    assert about["name"] == name
    assert about["godot"].startswith("4.")
    assert (about["shows"], about["lesson"]) == (RECIPES[name].shows, RECIPES[name].lesson)
    CHECKS[name](table, about["truth"])
    assert (FOLDER / f"{name}.csv").stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("name", some(names(), every=4))
def test_it_can_be_shown_drawn_and_exported_as_a_live_capture(name, tmp_path):
    recording = gd.sample(name)
    assert name in repr(recording)
    assert "<table" in recording._repr_html_()
    assert recording.plot.timeline().get_title(loc="left") is not None
    again = gd.load(recording.to_csv(tmp_path / "again.csv"))
    assert again.df.equals(recording.df)


def test_the_list_tells_what_there_is():
    listed = gd.sample()
    assert list(listed.index) == names()
    assert list(listed.columns) == ["shows", "lesson", "rows", "seconds", "godot"]
    assert (listed.rows > 0).all()
    assert listed.loc["udp-60fps", "rows"] == len(gd.sample("udp-60fps"))
    assert listed.lesson.str.fullmatch(r"\d\d(, \d\d)*").all()


@pytest.mark.parametrize("name", ["udp", "UDP-60fps", "", "../samples/udp-60fps"])
def test_a_wrong_name_lists_the_right_ones(name):
    with pytest.raises(ValueError, match=r"no sample .* it has three-players, udp-|no sample .*tcp-json"):
        gd.sample(name)


@pytest.mark.slow
def test_samples_need_no_pyarrow():
    code = "import sys; sys.modules['pyarrow'] = None; import gdlab as gd; print(len(gd.sample('tcp-json').decoded()))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=limit(60), check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("302", "")
