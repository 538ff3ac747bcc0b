"""The size laboratory for one message: captured, typed in, or none."""

import pytest

from gdlab.variant import dumps
from gdlab.widgets import SizeLab
from tests.some import some
from tests.widgets.parts import HOSTILE, assert_harmless, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def lab(sent):
    panel = SizeLab()
    yield panel
    panel.close()


def show(panel, payload):
    panel.show(payload)
    panel.refresh()


def test_it_asks_for_a_message(lab):
    lab.refresh()
    assert "choose a message" in lab.what.value
    assert lab.image.layout.display == "none"


def test_a_captured_message_is_measured(lab):
    show(lab, dumps({"seq": 7}))
    assert "decoded as variant" in lab.what.value
    assert "var_to_bytes" in lab.table.value
    assert bytes(lab.image.value).startswith(b"\x89PNG")
    assert lab.image.layout.display is None


def test_a_value_that_is_typed_in_is_measured_and_the_rate_counts(lab):
    lab.value.value = '{"pos": Vector2(1, 2)}'
    lab.refresh()
    assert "typed in" in lab.what.value
    lab.rate_hz.value = 60
    lab.peers.value = 8
    lab.over.value = "ws"
    lab.refresh()
    assert "60 messages/s to 8 peers" in lab.table.value
    assert "WebSocket" in lab.table.value


def test_a_captured_message_takes_the_place_of_a_typed_one(lab):
    lab.value.value = "[1]"
    show(lab, b'{"a": 1}')
    assert lab.value.value == ""
    assert "decoded as json" in lab.what.value


@pytest.mark.parametrize(
    ("typed", "said"), [("{", "expected"), ("Vector2(1)", "2 numbers"), ("<script>", "expected a value")]
)
def test_what_is_no_value_is_said(lab, typed, said):
    lab.value.value = typed
    lab.refresh()
    assert said in lab.what.value
    assert "<script" not in lab.what.value
    assert lab.table.value == ""


def test_long_messages_are_not_measured_here(lab):
    show(lab, dumps("x" * 100_000))
    assert "up to 32 KiB" in lab.what.value
    assert lab.table.value == ""


def test_bytes_of_no_known_form_have_no_sizes(lab):
    show(lab, b"\xff\xfe\x00\x01")
    assert "no value is known" in lab.what.value


@pytest.mark.parametrize("payload", some(HOSTILE, every=4))
def test_strangers_text_is_only_text(lab, sent, payload):
    sent.clear()
    show(lab, dumps({payload.decode(errors="replace").replace("\0", ""): payload}))
    assert_harmless(lab.table.value)
    assert_harmless(lab.what.value)
    assert weight(sent) < 120_000


def test_nothing_is_measured_twice(lab, sent):
    show(lab, b'{"a": 1}')
    sent.clear()
    lab.refresh()
    assert sent == []
