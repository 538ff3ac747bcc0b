"""The canvas that all plots share."""

from gdlab.plots.canvas import number


def test_counts_are_exact_and_measures_have_three_digits():
    assert [number(48), number(48.0), number(1_234_567), number(0.01234)] == [
        "48",
        "48.0",
        "1\u2009234\u2009567",
        "0.0123",
    ]
