"""What peers sent, as HTML: nothing of it acts, nothing of it hides."""

import re
from html import unescape

import pytest

from gdlab.capture import html


def shown(markup):
    """The characters a reader sees."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("", ""),
        ("two  spaces", "two  spaces"),
        ("a\nb\tc\r\0", "a\\nb\\tc\\r\\0"),
        ("\x1b[31mred\x7f", "\\x1b[31mred\\x7f"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("\u2066a\u2069\u200b\ufeff", "\\u2066a\\u2069\\u200b\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\u2028\u00a0\u00ad", "\\u2028\\xa0\\xad"),
        ("\U000e0041", "\\U000e0041"),
        ("größer 🎮 東京", "größer 🎮 東京"),
        (b"ok \xff\xfe", "ok \\xff\\xfe"),
        (b"\xc3\xa9", "é"),
        ("e" + "\u0301" * 6, "e\u0301\u0301\u0301\\u0301\\u0301\\u0301"),
    ],
)
def test_what_would_hide_is_shown_as_an_escape(text, seen):
    assert shown(html.visible(text)) == seen
    assert html.legible(text) == seen


def test_markup_is_escaped_in_text_and_in_bytes():
    for text in ("<script>alert(1)</script>", b'"><img src=x onerror=alert(1)>', "a&lt;b'"):
        markup = html.visible(text)
        assert not re.search(r"<(?!/?(span|bdi)\b)", markup)
        assert '"' not in markup
        assert "'" not in markup


def test_text_from_right_to_left_keeps_its_neighbours_in_their_places():
    assert html.visible("שלום") == "<bdi>שלום</bdi>"
    assert "bdi" not in html.visible("peace")


def test_long_text_is_cut_and_only_its_beginning_is_looked_at():
    assert html.visible("x" * 80) == "x" * 80
    assert html.visible("x" * 81) == "x" * 80 + "…"
    assert html.visible(b"\x00" * 2**20, limit=3).count("\\0") == 3
    assert html.visible("é".encode() * 10, limit=10) == "é" * 10
    assert html.visible("é".encode() * 200, limit=10) == "é" * 10 + "…"
    assert len(html.visible("<" * 2**20)) < 500


def test_a_payload_is_text_where_it_is_text_else_hexadecimal():
    assert shown(html.preview(b'{"a": 1,\n "b": 2}')) == '{"a": 1,\\n "b": 2}'
    assert shown(html.preview(bytes([4, 0, 0, 0, 104, 105]))) == "04 00 00 00 68 69"
    assert shown(html.preview(b"\xff\x00")) == "ff 00"
    assert shown(html.preview(b"\xff" * 1000)).endswith("ff…")
    assert html.preview(b"") == ""
    assert shown(html.preview("é".encode() * 1000)) == "é" * 80 + "…"


def test_a_status_line_repeats_nothing_that_can_act():
    line = html.status(html.Headline("failed", "<b>\u202e", "<i>\n"))
    assert "<b>" not in line
    assert "<i>" not in line
    assert "\u202e" not in line
