"""How numbers are written: one way for every screen."""

import pytest

from gdlab import text


def test_counts_are_exact_and_measures_have_three_digits():
    shown = [text.number(n) for n in (48, 48.0, 1_234_567, 1234.5678, 0.01234, 0.0, -2500.0)]
    assert shown == ["48", "48.0", "1,234,567", "1,235", "0.0123", "0", "-2,500"]
    assert [text.number(float(n)) for n in ("inf", "-inf", "nan")] == ["∞", "-∞", "unknown"]


def test_one_is_singular():
    assert [text.count(n, "message") for n in (0, 1, 2, 1000)] == [
        "0 messages",
        "1 message",
        "2 messages",
        "1,000 messages",
    ]


def test_bytes_are_exact_while_they_are_few():
    assert [text.size(n) for n in (1, 9_999, 10_240, 5_000_000, 200 * 2**20)] == [
        "1 byte",
        "9,999 bytes",
        "10.0 KiB",
        "4,882.8 KiB",
        "200.0 MiB",
    ]
    assert [text.mean_size(n) for n in (12.0, 12.25, 3456.0)] == ["12", "12.2", "3,456"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0.0 s"), (0.31, "0.3 s"), (45.2, "45 s"), (200, "3 min"), (20_000, "6 h")]
)
def test_an_age_has_as_many_digits_as_matter(seconds, shown):
    assert text.age(seconds) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.034, "3.4 %"),
        (0.5, "50 %"),
        (0.9996, "99.9 %"),
        (float("nan"), "unknown"),
    ],
)
def test_a_share_is_nought_or_whole_only_where_it_is(share, shown):
    assert text.percent(share) == shown
