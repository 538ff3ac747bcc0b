"""`StreamPeerTCP` and `TCPServer`: the same scenarios for the real engine's and for the scripted ones."""

import contextlib
import socket
import struct
import threading

import pytest

from gdlab.peers import Error, Status, StreamPeerTCP
from tests.waiting import limit, wait_until

NONE, CONNECTING, CONNECTED, ERROR = (int(status) for status in Status)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(limit(5))
        yield sock


@pytest.fixture
def stream(driver):
    made = driver.make("StreamPeerTCP")
    yield made
    made.disconnect_from_host()


@pytest.fixture
def connected(stream, listener):
    """A stream and the other side's plain socket."""
    stream.connect_to_host("127.0.0.1", listener.getsockname()[1])
    with contextlib.closing(listener.accept()[0]) as other:
        other.settimeout(limit(5))
        wait_until(lambda: (stream.poll(), stream.get_status())[1] == CONNECTED)
        yield stream, other


@pytest.fixture
def dead_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]  # bound and not listening: nobody else can get it meanwhile


def polled(stream):
    return stream.poll(), stream.get_status()


def test_the_status_changes_only_when_polled(stream, listener):
    assert stream.get_status() == NONE
    assert stream.get_available_bytes() == -1
    assert stream.connect_to_host("127.0.0.1", listener.getsockname()[1]) == Error.OK
    with contextlib.closing(listener.accept()[0]) as other:
        other.sendall(b"hi~")
        assert stream.get_status() == CONNECTING
        assert stream.put_data(b"x") == Error.FAILED
        assert list(stream.get_partial_data(3)) == [Error.FAILED, b""]
        assert polled(stream) == (Error.OK, CONNECTED)
        assert stream.get_connected_host() == "127.0.0.1"
        assert stream.get_connected_port() == listener.getsockname()[1]
        assert stream.get_local_port() == other.getpeername()[1]


def test_a_refused_connection(stream, dead_port):
    assert stream.connect_to_host("127.0.0.1", dead_port) == Error.OK
    assert stream.get_status() == CONNECTING
    wait_until(lambda: stream.poll() == Error.ERR_CONNECTION_ERROR)
    assert stream.get_status() == ERROR
    assert polled(stream) == (Error.OK, ERROR)
    assert stream.connect_to_host("127.0.0.1", dead_port) == Error.ERR_ALREADY_IN_USE
    stream.disconnect_from_host()
    assert stream.get_status() == NONE
    assert stream.connect_to_host("127.0.0.1", dead_port) == Error.OK


def test_bytes_are_there_without_polling_and_unframed(connected):
    stream, other = connected
    for _ in range(3):
        other.sendall(b"hi~")
    wait_until(lambda: stream.get_available_bytes() == 9)
    assert list(stream.get_partial_data(0)) == [Error.OK, b""]
    assert list(stream.get_partial_data(4)) == [Error.OK, b"hi~h"]
    assert list(stream.get_partial_data(100)) == [Error.OK, b"i~hi~"]
    assert list(stream.get_partial_data(100)) == [Error.OK, b""]
    assert list(stream.get_partial_data(-1)) == [Error.ERR_OUT_OF_MEMORY, b""]
    assert stream.put_data(b"answer") == Error.OK
    assert list(stream.put_partial_data(b" two")) == [Error.OK, 4]
    assert other.recv(10, socket.MSG_WAITALL) == b"answer two"


def test_the_other_side_s_close_is_seen_after_reading_and_polling(connected):
    stream, other = connected
    other.sendall(b"last words")
    other.close()
    wait_until(lambda: stream.get_available_bytes() == 10)
    for _ in range(3):
        assert polled(stream) == (Error.OK, CONNECTED)
    assert list(stream.get_partial_data(10)) == [Error.OK, b"last words"]
    assert stream.get_status() == CONNECTED
    wait_until(lambda: polled(stream) == (Error.OK, NONE))
    assert stream.put_data(b"anyone?") == Error.FAILED
    assert stream.get_connected_host() == ""


def test_reading_beyond_the_close(connected):
    stream, other = connected
    other.close()
    wait_until(lambda: list(stream.get_partial_data(1)) == [Error.ERR_FILE_EOF, b""])
    assert stream.get_status() == NONE


def test_get_data_blocks_until_all_has_come(connected):
    stream, other = connected
    other.sendall(b"first ")
    timer = threading.Timer(0.05, other.sendall, [b"second"])
    timer.start()
    assert list(stream.get_data(12)) == [Error.OK, b"first second"]
    timer.join()


def test_get_data_pads_what_the_close_cut_off(connected):
    stream, other = connected
    other.sendall(b"abc")
    other.close()
    error, data = stream.get_data(5)
    assert (error, data[:3], len(data)) == (Error.ERR_FILE_EOF, b"abc", 5)
    assert stream.get_status() == NONE


def test_get_data_unconnected(stream):
    error, data = stream.get_data(3)
    assert (error, len(data)) == (Error.FAILED, 3)
    assert list(stream.get_data(0)) == [Error.FAILED, b""]
    assert list(stream.get_data(-1)) == [Error.ERR_OUT_OF_MEMORY, b""]
    assert list(stream.put_partial_data(b"a")) == [Error.FAILED, 0]


def test_writing_after_the_other_side_s_close(connected):
    stream, other = connected
    other.close()
    wait_until(
        lambda: stream.put_data(b"x") == Error.FAILED
    )  # the first goes well, and is answered by a reset
    assert polled(stream) == (Error.OK, NONE)


@pytest.mark.parametrize("unread", [b"", b"abc"])
def test_a_reset_is_an_error(connected, unread):
    stream, other = connected
    other.sendall(unread)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    wait_until(lambda: stream.poll() == Error.FAILED)
    assert stream.get_status() == ERROR


def test_partial_data_is_what_the_kernel_takes(connected):
    stream, _ = connected
    error, sent = stream.put_partial_data(bytes(16 << 20))
    assert error == Error.OK
    assert 0 < sent < 16 << 20


def test_put_data_blocks_until_the_kernel_has_it(connected):
    stream, other = connected
    size = 16 << 20

    def read():
        left = size
        while left:
            left -= len(other.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    assert stream.put_data(bytes(size)) == Error.OK
    reader.join(10)
    assert not reader.is_alive()


def test_names_are_looked_up(driver):
    with socket.create_server(("localhost", 0)) as listener:
        stream = driver.make("StreamPeerTCP")
        assert stream.connect_to_host("localhost", listener.getsockname()[1]) == Error.OK
        assert stream.connect_to_host("127.0.0.1", 1) == Error.ERR_ALREADY_IN_USE
        stream.disconnect_from_host()
    assert stream.connect_to_host("no such host", 1) == Error.ERR_CANT_RESOLVE
    assert stream.connect_to_host("127.0.0.1", 0) == Error.ERR_INVALID_PARAMETER
    assert stream.get_status() == NONE


def test_binding_first(stream, listener):
    assert stream.bind(65_536) == Error.ERR_INVALID_PARAMETER
    assert stream.bind(0, "192.0.2.1") == Error.ERR_UNAVAILABLE
    assert stream.bind(0, "127.0.0.1") == Error.OK
    port = stream.get_local_port()
    assert stream.bind(0) == Error.ERR_ALREADY_IN_USE
    assert stream.connect_to_host("127.0.0.1", listener.getsockname()[1]) == Error.OK
    connection, address = listener.accept()
    connection.close()
    assert address == ("127.0.0.1", port)


def test_binding_to_a_name_opens_the_socket_all_the_same(stream, listener):
    assert stream.bind(0, "localhost") == Error.ERR_INVALID_PARAMETER
    assert stream.bind(0, "127.0.0.1") == Error.ERR_ALREADY_IN_USE
    assert stream.connect_to_host("127.0.0.1", listener.getsockname()[1]) == Error.OK
    listener.accept()[0].close()


def test_a_server_s_connections(driver):
    server = driver.make("TCPServer")
    assert not server.is_listening()
    assert server.take_connection() is None
    assert server.listen(0, "127.0.0.1") == Error.OK
    assert server.listen(0) == Error.ERR_ALREADY_IN_USE
    port = server.get_local_port()
    assert driver.make("TCPServer").listen(port, "127.0.0.1") == Error.ERR_ALREADY_IN_USE
    assert not server.is_connection_available()
    client = driver.make("StreamPeerTCP")
    client.connect_to_host("127.0.0.1", port)
    wait_until(server.is_connection_available)
    taken = server.take_connection()
    assert taken.get_status() == CONNECTED  # without poll
    assert not server.is_connection_available()
    server.stop()
    assert not server.is_listening()
    assert polled(client) == (Error.OK, CONNECTED)
    assert (taken.get_connected_host(), taken.get_connected_port()) == ("127.0.0.1", client.get_local_port())
    taken.put_data(b"hello")
    wait_until(lambda: client.get_available_bytes() == 5)
    taken.disconnect_from_host()
    assert list(client.get_data(5)) == [Error.OK, b"hello"]
    wait_until(lambda: polled(client) == (Error.OK, NONE))


def test_a_stream_that_nobody_keeps_is_closed(driver, listener):
    stream = driver.make("StreamPeerTCP")
    stream.connect_to_host("127.0.0.1", listener.getsockname()[1])
    with contextlib.closing(listener.accept()[0]) as other:
        other.settimeout(limit(5))
        del stream
        driver.make("TCPServer")  # the engine hears of it with the next request
        assert other.recv(1) == b""


def test_nagle_is_on_until_it_is_switched_off(listener):
    stream = StreamPeerTCP()
    stream.set_no_delay(True)  # without a socket: nothing
    stream.connect_to_host("127.0.0.1", listener.getsockname()[1])

    def option():
        return stream._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert not option()
    stream.set_no_delay(True)
    assert option()
    stream.disconnect_from_host()
