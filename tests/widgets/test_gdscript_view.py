"""The script to copy: of this listener, escaped, and sent once."""

import html
import re

import pytest

from gdlab.widgets import GDScriptView
from gdlab.widgets.gdscript_view import KINDS, shown
from tests.widgets.parts import port_of, send

pytestmark = pytest.mark.usefixtures("still")


def script_in(panel):
    return html.unescape(re.search(r"<textarea[^>]*>(.*)</textarea>", panel.text.value, re.DOTALL)[1])


def test_it_is_the_script_of_this_very_listener(sent, capture):
    panel = GDScriptView(capture)
    panel.refresh()
    assert script_in(panel) == str(capture.gdscript("send"))
    assert str(port_of(capture)) in script_in(panel)
    panel.close()


def test_every_kind_is_a_script_or_says_why_not(sent, capture):
    panel = GDScriptView(capture)
    for kind in KINDS:
        panel.kind.value = kind
        panel.refresh()
        if kind == "web":  # no browser sends UDP
            assert "gdlab-bad" in panel.text.value
        else:
            assert script_in(panel) == str(capture.gdscript(kind))
    panel.close()


def test_what_arrives_does_not_send_it_again(sent, capture):
    panel = GDScriptView(capture)
    panel.refresh()
    send(capture, b"x", b"y")
    capture.wait_sync(2)
    sent.clear()
    panel.refresh()
    assert sent == []
    panel.close()


def test_a_script_is_text_in_its_field():
    text = shown('print("</textarea><script>alert(1)</script>")')
    assert "<script" not in text
    assert text.count("</textarea>") == 1


def test_a_script_out_of_all_proportion_is_cut():
    assert len(shown("&" * 10**6)) < 120_000
