"""A test packet to a listener of one's own, over every transport and framing."""

import pytest

import gdlab as gd
from gdlab.capture.selftest import send_test
from gdlab.errors import EndpointClosed, GdlabError, WaitTimeout
from tests.waiting import limit, wait_until


@pytest.mark.parametrize(
    ("address", "framing"),
    [
        ("udp://127.0.0.1:0", "auto"),
        ("udp://localhost:0", "auto"),
        ("tcp://127.0.0.1:0", "auto"),
        ("tcp://127.0.0.1:0", "lines"),
        ("tcp://127.0.0.1:0", "put_var"),
        ("tcp://127.0.0.1:0", "put_var_be"),
        ("tcp://127.0.0.1:0", "put_string"),
        ("tcp://127.0.0.1:0", "json"),
        ("tcp://127.0.0.1:0", "raw"),
        ("ws://127.0.0.1:0", "auto"),
    ],
)
def test_it_arrives(address, framing):
    with gd.listen(address, restart=True, framing=framing) as capture:
        packet = send_test(capture)
        wait_until(lambda: packet.state != "on its way")
        assert packet.state == "arrived"
        assert packet.arrived_ms >= 0
        packet.close()
        assert any(packet.token.encode() in payload for payload in capture.df.payload)


def test_it_arrives_where_everybody_may_send():
    with gd.listen("udp://lan:0", restart=True, host="lan") as capture:
        packet = send_test(capture)
        wait_until(lambda: packet.state == "arrived")
        assert "127.0.0.1" in packet.address
        packet.close()


def test_the_users_own_client_of_this_address_goes_on():
    with gd.listen("udp://127.0.0.1:0", restart=True) as capture, gd.connect(capture.addresses[0]) as mine:
        packet = send_test(capture)
        wait_until(lambda: packet.state == "arrived")
        packet.close()
        assert mine.running
        mine.send(b"still here")
        capture.wait_sync(2)


def test_what_did_not_arrive_is_lost_after_a_while(monkeypatch):
    monkeypatch.setattr("gdlab.capture.selftest.TIMEOUT_S", 0.0)
    with (
        gd.listen("udp://127.0.0.1:0", restart=True) as capture,
        gd.listen("udp://127.0.0.1:0", restart=True) as other,
    ):
        packet = send_test(capture, other.addresses[0])
        assert packet.state == "lost"
        packet.close()


def test_a_stopped_listener_and_a_client_are_refused_in_words():
    with gd.listen("udp://127.0.0.1:0", restart=True) as capture:
        with gd.connect(capture.addresses[0]) as client, pytest.raises(GdlabError, match="is a client"):
            send_test(client)
        capture.stop()
        with pytest.raises(GdlabError, match="start it first"):
            send_test(capture)


@pytest.mark.parametrize("address", ["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "ws://127.0.0.1:0"])
def test_a_call_sends_one_and_waits_for_it(address):
    with gd.listen(address, restart=True) as capture:
        assert 0 <= capture.send_test(timeout=limit(10)) < 1000 * limit(10)
        assert (capture.df.event == "message").sum() == 1


def test_a_test_packet_that_goes_elsewhere_does_not_arrive():
    with (
        gd.listen("udp://127.0.0.1:0", restart=True) as capture,
        gd.listen("udp://127.0.0.1:0", restart=True) as other,
        pytest.raises(WaitTimeout, match=r"did not arrive within 0\.05 s"),
    ):
        capture.send_test(other.addresses[0], timeout=0.05)


def test_the_error_is_of_the_familiar_kind():
    with gd.listen("tcp://127.0.0.1:0", restart=True) as capture:
        capture.stop()
        with pytest.raises(EndpointClosed):
            send_test(capture)
