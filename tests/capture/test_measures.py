"""One front door: the same measures, pictures and files of a capture, a recording and a table."""

from __future__ import annotations

import inspect
import re
import socket

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis, plots
from gdlab.capture.measures import without_first_parameter
from gdlab.capture.plot_namespace import Plots
from tests.waiting import wait_until


def of_tables(module):
    """Names of the functions of a module whose first argument is whatever has a table of messages."""
    for name in module.__all__:
        function = getattr(module, name)
        if inspect.isfunction(function):
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if first is not None and first.annotation == "Source":
                yield name


MEASURES = list(of_tables(analysis))
PICTURES = list(of_tables(plots))


@pytest.fixture
def capture():
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game:
            for number in range(20):
                game.sendto(
                    b'{"seq": %d, "hp": %d}' % (number + (number > 9), number % 3), ("127.0.0.1", cap.port)
                )
        cap.wait_sync(20)
        yield cap


def arguments(function):
    """The parameters behind the table."""
    return list(inspect.signature(function).parameters.values())[1:]


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_is_a_method_with_its_own_signature(name, capture):
    measure = getattr(analysis, name)
    for owner in (gd.Capture, gd.Recording, type(capture.df.gdlab)):
        assert arguments(getattr(owner, name)) == arguments(measure)
    shown = inspect.signature(getattr(capture, name))  # what Shift-Tab shows
    assert list(shown.parameters.values()) == arguments(measure)
    assert getattr(gd.Capture, name).__doc__.splitlines()[0] == measure.__doc__.splitlines()[0]
    assert "    table : " not in getattr(gd.Capture, name).__doc__


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_a_method_with_its_own_signature(name):
    of_plots = [parameter.replace(annotation="") for parameter in arguments(getattr(plots, name))]
    of_method = [parameter.replace(annotation="") for parameter in arguments(getattr(Plots, name))]
    assert of_method == of_plots


@pytest.mark.parametrize(
    "name", ["rates", "sequence", "conversations", "measures", "overhead", "inter_arrival"]
)
def test_a_measure_takes_a_capture_a_recording_and_a_table(name, capture, tmp_path):
    recording = gd.load(capture.to_csv(tmp_path / "run.csv"))
    measure = getattr(analysis, name)
    expected = measure(capture.df)
    for source in (capture, recording, capture.df.gdlab):
        pd.testing.assert_frame_equal(measure(source), expected)
        pd.testing.assert_frame_equal(getattr(source, name)(), expected)


def test_a_field_that_is_named_is_decoded_first(capture, tmp_path):
    recording = gd.load(capture.to_csv(tmp_path / "run.csv"))
    for source in (capture, recording, capture.df.gdlab, capture.decoded().gdlab):
        assert source.sequence(seq="v.seq").lost.tolist() == [1]
        assert source.rates(by=("v.hp",)).groupby("v.hp").messages.sum().tolist() == [7, 7, 6]
        assert isinstance(source.findings(seq="v.seq"), pd.DataFrame)
        assert source.measures(seq="v.seq").set_index("measure").n["loss of numbered messages"] == 21
    assert analysis.sequence(capture, seq="v.seq").lost.tolist() == [1]


def test_a_field_that_is_not_there_is_named(capture):
    with pytest.raises(KeyError, match=r"v\.number"):
        capture.sequence(seq="v.number")


def test_two_runs_are_compared_whatever_holds_them(capture, tmp_path):
    recording = gd.load(capture.to_csv(tmp_path / "run.csv"))
    expected = analysis.compare(capture.df, capture.df)
    pd.testing.assert_frame_equal(capture.compare(recording), expected)
    pd.testing.assert_frame_equal(capture.df.gdlab.compare(capture), expected)


def test_a_measure_of_something_else_says_what_it_takes():
    with pytest.raises(TypeError, match="a capture, a recording or a table of messages, not of str"):
        analysis.rates("run.csv")


def test_a_filtered_table_is_saved_with_its_sidecar(capture, tmp_path):
    table = capture.df
    half = table[table.index >= 10]
    path = half.gdlab.to_csv(tmp_path / "half.csv")
    loaded = gd.load(path)
    assert not any("sidecar" in note for note in loaded.notes)
    pd.testing.assert_frame_equal(loaded.df, half.reset_index(drop=True), check_categorical=False)
    assert half.gdlab.to_pcapng(tmp_path / "half.pcapng").stat().st_size > 0


@pytest.mark.slow
def test_a_filtered_table_has_a_report(capture, tmp_path):
    table = capture.df
    assert table[table.index >= 10].gdlab.report(tmp_path / "report").is_file()


def test_a_capture_shows_its_port_and_its_length_and_is_true_when_empty():
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap:
        assert cap
        assert len(cap) == len(cap.df) == 0
        assert cap.addresses == (f"udp://127.0.0.1:{cap.port}",)


def test_completion_offers_what_users_call(capture):
    assert {"snapshots", "options", "version", "is_client"}.isdisjoint(dir(capture))
    assert {"df", "port", "rates", "plot", "to_csv", "wait", "stop"} <= set(dir(capture))
    assert sorted(dir(gd)) == sorted([*gd.__all__, "__version__"])
    assert all(hasattr(gd, name) for name in dir(gd))


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="limit"):
        gd.listen("udp://127.0.0.1:0", limit=0)


def test_a_summary_has_no_infinities_where_every_ping_was_lost():
    with (
        gd.listen("udp://127.0.0.1:0", ping=0.01, restart=True) as cap,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as game,
    ):
        game.sendto(b"hello", ("127.0.0.1", cap.port))
        wait_until(lambda: len(cap) > 80)
    table = cap.df
    table["time"] = table["time"].where(table.index < len(table) - 1, table["time"] + pd.Timedelta("9s"))
    found = table.gdlab.measures()
    assert (found.value[found.measure == "loss of round trips"] > 0.9).all()
    assert not np.isinf(found[["value", "low", "high"]].to_numpy()).any()


def test_a_docstring_loses_its_first_parameter_only():
    doc = (
        "First.\n\n    Parameters\n    ----------\n    a, b : tables.\n    n : how many,\n        at most.\n\n"
        "    Returns\n"
    )
    once = without_first_parameter(doc)
    assert "    b : tables.\n    n : how many,\n        at most.\n\n    Returns" in once
    twice = without_first_parameter(without_first_parameter(once))
    assert twice == "First.\n\n    Returns\n"
    assert without_first_parameter("Nothing to take.") == "Nothing to take."


def test_a_row_that_is_not_there_is_named_with_how_many_there_are():
    recorded = gd.sample("mp-late-joiner")
    assert (
        str(recorded.explain(57)) == str(recorded.explain(-1)) == str(recorded.explain(recorded.df.iloc[57]))
    )
    for row in (58, -59):
        with pytest.raises(IndexError, match=f"no row {row}: the table has 58 rows"):
            recorded.explain(row)


def test_the_pictures_that_there_are_are_named():
    names = re.findall(r"(\w+)\(\)", repr(gd.sample("mp-late-joiner").plot))
    assert {"rates", "latency", "truth"} <= set(names)
    assert all(hasattr(Plots, name) for name in names)
