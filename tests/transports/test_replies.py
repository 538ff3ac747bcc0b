"""The ready-made reply rules."""

import json

import pytest

import gdlab as gd


def test_ready_made_replies():
    message = gd.Message(5_000_000, "x", None, b'{"seq": 7, "hp": 1}', kind="text")
    assert gd.replies.echo(message) == '{"seq": 7, "hp": 1}'
    assert gd.replies.prefix(b"Got our msg: ")(message) == b'Got our msg: {"seq": 7, "hp": 1}'
    assert json.loads(gd.replies.json_ack(message)) == {
        "ack": True,
        "size_bytes": 19,
        "received_us": 5000,
        "seq": 7,
    }
    binary = gd.Message(0, "x", None, b"\xff[")
    assert gd.replies.echo(binary) == b"\xff["
    assert json.loads(gd.replies.json_ack(binary))["size_bytes"] == 2
    assert gd.replies.probe_answer(message) is None
    ping = gd.Message(9000, "x", None, b'{"probe": "ping", "seq": 1, "t_us": 5}')
    assert '"pong", "seq": 1, "t_us": 5, "r_us": 9' in gd.replies.probe_answer(ping)
    variant = gd.Message(9000, "x", None, gd.variant.dumps({"probe": "ping", "seq": 1, "t_us": 5}))
    assert gd.variant.loads(gd.replies.probe_answer(variant))["r_us"] == 9
    rule = gd.replies.first(gd.replies.probe_answer, lambda _m: None, b"else")
    assert rule(message) == b"else"
    assert '"pong"' in rule(ping)


@pytest.mark.parametrize("reply", [5, {"hp": 1}])
def test_what_is_no_reply_is_told_what_is_one(reply):
    with pytest.raises(TypeError, match=f"or a function of the message .*not {type(reply).__name__}"):
        gd.listen("udp://127.0.0.1:0", reply=reply)


def test_nothing_to_say_is_not_said_every_second():
    with pytest.raises(ValueError, match="give both"):
        gd.listen("udp://127.0.0.1:0", every=1)
    with gd.listen("udp://127.0.0.1:0", reply=b"hello", every=1) as cap:
        with pytest.raises(ValueError, match="give both"):
            cap.set_reply(None, every=1)
        assert cap.options.reply == b"hello"
