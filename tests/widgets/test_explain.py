"""One message explained: what it says of each form, and that long and hostile ones stay bounded."""

import pytest

from gdlab.variant import PackedInt32Array, Vector2, dumps
from gdlab.widgets import Explain
from gdlab.widgets.explain import described
from tests.widgets.parts import HOSTILE, assert_harmless

pytestmark = pytest.mark.usefixtures("still")


def test_it_asks_for_a_message(sent):
    panel = Explain()
    panel.refresh()
    assert "choose a message" in panel.text.value
    panel.close()


def test_a_message_is_shown_when_it_is_asked_for_and_sent_once(sent):
    panel = Explain()
    panel.show(b"hello")
    panel.refresh()
    assert "hello" in panel.text.value
    sent.clear()
    panel.refresh()
    assert sent == []
    panel.show(None)
    panel.refresh()
    assert "choose a message" in panel.text.value
    panel.close()


def test_out_of_sight_nothing_is_explained(sent):
    panel = Explain()
    panel.refresh()
    panel.in_sight = False
    panel.show(b"hello")
    panel.refresh()
    assert "hello" not in panel.text.value
    panel.in_sight = True
    panel.refresh()
    assert "hello" in panel.text.value
    panel.close()


def test_a_variant_is_taken_apart():
    said = described(dumps({"seq": 7, "pos": Vector2(1.5, 2)}))
    for part in ("Dictionary (27)", "key 0: type", "&#x27;seq&#x27;", "Vector2 (5)", "1.5", "07 00 00 00"):
        assert part in said


def test_bytes_that_only_begin_like_a_variant_show_where_it_breaks():
    said = described(dumps({"seq": 7})[:-2])
    assert "Godot would refuse it" in said
    assert "refused from here on" in said


def test_json_is_indented_and_its_bytes_stand_below():
    said = described(b'{"hp": 3, "name": "Ada"}')
    assert "JSON text" in said
    assert "  &quot;hp&quot;: 3," in said
    assert "7b 22 68 70" in said


def test_text_tells_characters_from_bytes():
    said = described("Grüße".encode())
    assert "UTF-8 text</b>, 7 bytes" in said
    assert "5 characters, 2 of them outside ASCII" in said


def test_what_is_no_text_says_at_which_byte():
    assert "byte 4 is 0xff" in described(b"abcd\xff\xfe" + b"x" * 20)


def test_an_empty_message():
    assert "0 bytes" in described(b"")


@pytest.mark.parametrize(
    "payload",
    [
        b"A" * 2**20,
        b"\x00" * 2**20,
        b"\xff" * 65_536,
        b'{"k": "' + b"x" * 2**20 + b'"}',
        b"[" * 100_000,
        b"[" + b"1," * 200_000 + b"1]",
        dumps([{"id": n, "name": "x" * 50} for n in range(700)]),
        dumps([{"id": n, "name": "x" * 50} for n in range(9000)]),
        dumps(PackedInt32Array(range(250_000))),
        dumps("x" * 2**20),
        dumps({"x" * 60_000: "\u202e" * 3000}),
        ("\u202e<script>" * 50_000).encode(),
    ],
    ids=lambda payload: f"{payload[:6]!r} {len(payload)}",
)
def test_long_payloads_cost_the_browser_little(payload):
    assert len(described(payload)) < 70_000
    assert_harmless(described(payload))


@pytest.mark.parametrize("payload", HOSTILE)
def test_strangers_markup_is_text(payload):
    assert_harmless(described(payload))
    text = payload.decode(errors="replace").replace("\0", "")  # no String of Godot's holds a NUL
    assert_harmless(described(dumps(text)))
    assert_harmless(described(dumps({text: [payload]})))


@pytest.mark.parametrize(
    "codec", ["<B type, 8s name", "msgpack", "cbor", "osc", {1: "<B type, 8s name"}, len]
)
@pytest.mark.parametrize("payload", [*HOSTILE, b"\x01<script>", b"\xff" * 65_536, b"\x91" * 2**20], ids=len)
def test_any_codec_is_explained_and_harmless(payload, codec):
    shown = described(payload, codec)
    assert len(shown) < 70_000
    assert_harmless(shown)


def test_a_format_names_its_fields(sent):
    panel = Explain()
    panel.show(b"\x01\x2c\x01", "<B type, H seq")
    panel.refresh()
    assert "seq: unsigned 16-bit integer" in panel.text.value
    assert "300" in panel.text.value
    panel.close()
