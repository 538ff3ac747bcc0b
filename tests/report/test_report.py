"""The report: one page that says everything and runs nothing, and data that comes back."""

from __future__ import annotations

import base64
import functools
import io
import re
import struct
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

import gdlab as gd
from gdlab import analysis
from gdlab.capture.recording import Recording
from gdlab.facts import Fact, Reason
from gdlab.report.glossary import STATISTICS, of_measure
from tests.plots.cases import CASES
from tests.some import some
from tests.traffic import merged, table

HOSTILE = '<script>alert("x")</script>&<img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """What a browser would make of the page: its tags, their attributes, and its words."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.words, self.pictures, self.unclosed = [], "", [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img":
            kind, _, data = dict(attributes)["src"].partition(",")
            assert kind == "data:image/png;base64"
            self.pictures.append(Image.open(io.BytesIO(base64.b64decode(data))))
        elif tag != "meta":
            self.unclosed.append(tag)

    def handle_endtag(self, tag):
        assert self.unclosed.pop() == tag

    def handle_data(self, data):
        self.words += data


def recording(of, tmp_path, **about):
    return Recording(of, {"provenance": about}, tmp_path / "run.csv")


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The path of the report of a case; each is made once."""

    @functools.cache
    def path_of(case):
        folder = tmp_path_factory.mktemp("reported")
        return recording(CASES[case], folder).report(folder / "report")

    return path_of


@pytest.mark.parametrize("case", some(sorted(CASES, key=lambda case: case != "one row"), every=len(CASES)))
def test_any_capture_is_reported_and_its_data_come_back(case, reported):
    folder, page = reported(case).parent, Page(reported(case))
    assert sorted(file.name for file in folder.iterdir()) == [
        "capture.csv",
        "capture.gdlab.json",
        "report.html",
    ]
    again = gd.load(folder / "capture.csv")
    assert list(again.df.payload) == list(CASES[case].payload)
    assert not page.unclosed
    for heading in (
        "Findings",
        "Numbers",
        "Figures",
        "Conversations",
        "How the numbers are defined",
        "versions",
    ):
        assert heading in page.words
    assert gd.__version__ in page.words
    for picture in page.pictures:
        assert picture.size == (1200, 540)
    # Every picture is there or said to be left out.
    assert (
        len(page.pictures) + (page.words.partition("nothing for them: ")[2].partition(".")[0].count(",") + 1)
        >= 9
    )
    assert bool(page.pictures) is (case != "empty")


@pytest.mark.parametrize("case", some(("empty", "probes"), every=2))
def test_a_second_report_of_the_same_data_differs_only_in_when_it_was_made(case, reported, tmp_path):
    first, second = reported(case), recording(CASES[case], tmp_path).report(tmp_path / "report")
    words = [
        re.sub("made .*? UTC", "", Page(path).words).replace(str(path.parents[1]), "")
        for path in (first, second)
    ]
    assert words[0] == words[1]


def test_a_live_capture_with_its_counters(tmp_path):
    with gd.listen("udp://127.0.0.1:0", limit="1MiB") as cap:
        page = Page(cap.report(tmp_path / "new" / "folder"))
        assert cap.running
    assert "Nothing has arrived" in page.words
    assert cap.addresses[0] in page.words
    assert "limit1 MiB" in page.words
    assert "the system dropped" in page.words
    assert set(cap.provenance["statistics"]) == set(STATISTICS)


def test_what_strangers_wrote_is_text(tmp_path):
    hostile = merged(
        table([0, 1, 2], HOSTILE.encode(), peer=HOSTILE, endpoint=f"udp://{HOSTILE}:1"),
        table([3], b"", event="error", fact=Fact(Reason.SYSTEM_ERROR, said=HOSTILE), peer="a\u202eb"),
    )
    about = {
        HOSTILE: HOSTILE,
        "statistics": {HOSTILE: HOSTILE, "kernel_drops": HOSTILE},
        "deep": {"a": {"b": {"c": {"d": {"e": 1}}}}},
        "long": "y" * 100_000,
    }
    path = recording(hostile, tmp_path, **about).report(tmp_path / "report")
    page = Page(path)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "link", "svg", "form"})
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert HOSTILE in page.words
    policies = [a["content"] for tag, a in page.tags if "http-equiv" in a]
    assert [policy.startswith("default-src 'none';") for policy in policies] == [True]
    assert "\u202e" not in page.words
    assert "y" * 1000 not in page.words
    # Nothing is fetched: no address in an attribute but the pictures' own data.
    assert all(
        value.startswith("data:")
        for _, a in page.tags
        for name, value in a.items()
        if name in ("src", "href")
    )


def test_names_are_left_out_on_request(tmp_path):
    of = merged(table([0], b"y"), table([5], b"x", peer="203.0.113.9:4000"))
    folder = tmp_path / "report"
    recording(of, tmp_path, seen_from="203.0.113.9").report(folder, anonymise=True)
    for file in folder.iterdir():
        assert b"203.0.113.9" not in file.read_bytes(), file
    assert "P02" in Page(folder / "report.html").words


@pytest.mark.slow
def test_numbers_of_the_users_own(tmp_path):
    of = table(range(5), [b'{"n": %d}' % n for n in (1, 2, 4, 5, 6)])
    page = Page(recording(of, tmp_path).report(tmp_path / "report", seq="v.n"))
    assert re.search(r"loss of numbered messages0\.1667share", page.words)


@pytest.mark.slow
def test_numbers_in_a_format_of_the_users_own(tmp_path):
    of = table(range(5), [struct.pack("<BH", 7, n) for n in (1, 2, 4, 5, 6)])
    recorded = recording(of, tmp_path)
    recorded.decode_with = "<B type, H seq"
    for anonymise in (False, True):
        page = Page(recorded.report(tmp_path / "report", seq="v.seq", anonymise=anonymise))
        assert re.search(r"loss of numbered messages0\.1667share", page.words)


def test_every_number_has_a_definition():
    for name in analysis.measures(table())["measure"]:
        assert of_measure(name), name


def test_an_old_report_stays_if_the_new_one_fails(tmp_path):
    folder = tmp_path / "report"
    path = recording(CASES["empty"], tmp_path).report(folder)
    before = path.read_bytes()
    bad = CASES["one peer"].assign(time=pd.NaT)
    with pytest.raises(Exception, match="time"):
        recording(bad, tmp_path).report(folder)
    assert path.read_bytes() == before
    assert len(list(folder.iterdir())) == 3


def test_a_file_of_the_name_is_not_a_folder(tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(NotADirectoryError, match="is a file"):
        recording(CASES["one row"], tmp_path).report(tmp_path / "report")
    assert (tmp_path / "report").read_text() == "mine"


@pytest.mark.slow
def test_the_conversations_fit_the_page(reported):
    page = reported("fifty peers").read_text(encoding="utf-8")
    part = page.partition("<h2>Conversations</h2>")[2].partition("</table>")[0]
    assert "class=narrow" in part
    # A lone endpoint is said once, below, and takes no column.
    assert "4242" not in part
    assert "All with the endpoint udp://127.0.0.1:4242." in page
