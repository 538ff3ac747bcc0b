"""Lost messages in the ladder of a conversation."""

import numpy as np

import gdlab as gd
from gdlab import plots
from gdlab.plots.rungs import Rung, rungs
from tests.plots.cases import CASES
from tests.traffic import table

MS = 1_000_000


def conversation(*messages):
    """Messages of two sides, as (direction, number); one every millisecond."""
    return table(
        [n * MS for n in range(len(messages))],
        [b'{"n": %d}' % number for _, number in messages],
        direction=[way for way, _ in messages],
    )


def test_a_number_that_is_left_out_and_does_not_come_later_is_a_rung_of_its_own():
    came = conversation(*[("in", n) for n in (0, 1, 2, 3, 7, 6, 8, 9, 11, 12)])
    assert rungs(came, 0, 20) == [
        *map(Rung, range(4)),
        Rung(-1, True, "2 messages missing: 4 to 5"),
        *map(Rung, range(4, 8)),
        Rung(-1, True, "1 message missing: 10"),
        Rung(8),
        Rung(9),
    ]
    assert rungs(came, 4, 3) == [Rung(-1, True, "2 messages missing: 4 to 5"), Rung(4), Rung(5)]


def test_what_is_sent_and_does_not_come_back_is_lost_where_others_do():
    talk = conversation(*[("out", n) for n in range(6)], ("in", 0), ("in", 3), ("in", 5), ("out", 6))
    assert [rung.row for rung in rungs(talk, 0, 20) if rung.lost] == [1, 2, 4]  # the last may still come
    # A server that counts its own messages answers none in particular.
    own = conversation(*[(way, n + 100 * (way == "in")) for n in range(6) for way in ("out", "in")])
    assert not any(rung.lost for rung in rungs(own, 0, 20))


def test_without_numbers_nothing_is_lost_and_another_beginning_is_no_loss():
    assert not any(rung.lost for rung in rungs(CASES["one peer"], 0, 20))
    again = conversation(*[("in", n) for n in (*range(5), *range(50_000, 50_005), *range(5))])
    assert not any(rung.lost for rung in rungs(again, 0, 20))


def test_the_tutorial_s_server_shows_which_datagrams_it_let_go():
    ax = gd.sample("udp-one-a-frame").plot.ladder()
    (crosses,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert len(crosses.get_xdata()) == 10
    assert set(crosses.get_xdata()) == {0.988}  # at the server's side
    assert "✕ did not come back" in ax.get_xlabel()


def test_probes_that_a_path_lost_are_marked_where_they_would_have_come():
    ax = plots.ladder(CASES["numbered"], first=10)
    (crosses,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert "3 messages missing: 20 to 22" in [text.get_text() for text in ax.texts]
    assert np.array_equal(crosses.get_xdata(), [0.012])
