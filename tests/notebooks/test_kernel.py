"""Captures of every transport in real kernels: each cell run again, interrupted, restarted, killed, and in the way."""

import contextlib
import queue
import socket
import time
import warnings

import pytest

from tests import ports, warm
from tests.transports.clients import TcpClient, UdpClient, WebSocketClient
from tests.waiting import limit

pytestmark = pytest.mark.notebook

PAUSE_S = 0.05
CLIENTS = {"udp": UdpClient, "tcp": TcpClient, "ws": WebSocketClient}
WAITS = ("await cap.wait(5, timeout=60)", "cap.wait_sync(5, timeout=60)")

scheme = pytest.mark.parametrize("scheme", CLIENTS)


class Kernel:
    """A kernel as a notebook has it."""

    def __init__(self, name="python3"):
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()

    def wait_until_ready(self):
        self.client.wait_for_ready(timeout=limit(60))

    def begin(self, code):
        """Run a cell and do not wait for its end."""
        return self.client.execute(code)

    def end(self, request, timeout_s=60):
        """What the cell printed and showed, and the name and text of its error."""
        shown, error = [], ("", "")
        deadline = time.monotonic() + limit(timeout_s)
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != request:
                continue
            content, kind = message["content"], message["msg_type"]
            if kind == "stream":
                shown.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"]["text/plain"])
            elif kind == "error":
                error = content["ename"], content["evalue"]
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(shown), error

    def run(self, code):
        return self.end(self.begin(code))

    def wait_for_output(self, request, text):
        deadline = time.monotonic() + limit(60)
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=1)
                if message["parent_header"].get("msg_id") == request and text in str(message["content"]):
                    return
        pytest.fail(f"no output {text!r}")

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory, warm_kernels):
    """Two notebooks, of which the first is restarted and killed."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own transport libraries
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setenv("JUPYTER_PATH", str(warm_kernels))
        started = Kernel(), Kernel(warm.NAME)
        try:
            for kernel in started:
                kernel.wait_until_ready()
            for request in [(kernel, kernel.begin("import gdlab as gd")) for kernel in started]:
                assert request[0].end(request[1]) == ("", ("", ""))
            yield started
        finally:
            for kernel in started:
                kernel.close()


@pytest.fixture
def pair(kernels):
    yield kernels
    for kernel in kernels:
        kernel.run("gd.stop_all()")


@pytest.fixture
def kernel(pair):
    return pair[0]


def bound(scheme, port):
    """A socket at a port, as a listener of gdlab would have it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)
    try:
        if scheme != "udp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        if scheme != "udp":
            sock.listen()
    except OSError:
        sock.close()
        raise
    return sock


def free_port(scheme):
    return ports.free_port(socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)


def is_free(scheme, port):
    with contextlib.suppress(OSError), bound(scheme, port):
        return True
    return False


def cell(scheme, port, more=""):
    return f"cap = gd.listen('{scheme}://127.0.0.1:{port}', framing='u32le'{more})\nprint(cap)"


def ran(kernel, code):
    """What a cell that is no error said."""
    said, error = kernel.run(code)
    assert error == ("", "")
    return said


COUNT = "print((cap.df.event == 'message').sum())"


@pytest.mark.parametrize("wait", WAITS, ids=["await", "sync"])
@scheme
def test_an_interrupt_ends_the_wait_and_not_the_capture(kernel, scheme, wait):
    port = free_port(scheme)
    assert f"listening on {scheme}://127.0.0.1:{port}" in ran(kernel, cell(scheme, port))
    request = kernel.begin(f"print('waits', flush=True)\n{wait}")
    kernel.wait_for_output(request, "waits")
    time.sleep(PAUSE_S)  # the interrupt must hit the wait and not the print before it
    kernel.manager.interrupt_kernel()
    _, error = kernel.end(request)
    assert error[0] in ("KeyboardInterrupt", "CancelledError")
    with CLIENTS[scheme](port) as client:
        for _ in range(5):
            client.send(b"after the interrupt")
        assert ran(kernel, f"{wait}; {COUNT}") == "5\n"


@scheme
def test_the_same_cell_again_and_with_other_arguments(kernel, scheme):
    port = free_port(scheme)
    ran(kernel, cell(scheme, port))
    with CLIENTS[scheme](port) as client:
        client.send(b"1")
        ran(kernel, "cap.wait_sync(1)")
        assert ran(kernel, f"before = cap\n{cell(scheme, port)}\nprint(cap is before)\n{COUNT}").endswith(
            "True\n1\n"
        )
        # Another answer: the same capture, and the client that is there gets it.
        answering = cell(scheme, port, ", reply=b'anew'")
        assert ran(kernel, f"{answering}\nprint(cap is before)").endswith("True\n")
        client.send(b"2")
        assert client.receive() == b"anew"
        # Another limit: a new one in its place; the old one keeps what it has. A user who wants to see the log does.
        said = ran(
            kernel,
            f"import logging\nlogging.basicConfig()\n{cell(scheme, port, ', limit=10')}\n"
            f"print(cap is before, before.running)\n{COUNT}\nlogging.getLogger().handlers.clear()",
        )
        assert "is replaced by a new capture" in said
        assert said.endswith("False False\n0\n")
        assert ran(kernel, COUNT.replace("cap", "before")) == "3\n"
    with CLIENTS[scheme](port) as client:
        client.send(b"3")
        ran(kernel, "cap.wait_sync(1)")
        assert "<Capture: stopped after" in ran(kernel, "cap.stop(); print(cap)")
    assert is_free(scheme, port)
    assert ran(kernel, f"before = cap\n{cell(scheme, port)}\nprint(cap is before)\n{COUNT}").endswith(
        "False\n0\n"
    )


@scheme
def test_a_wait_that_ends_without_messages_and_a_port_of_another_notebook(pair, scheme):
    first, second = pair
    port = free_port(scheme)
    _, error = first.run(f"{cell(scheme, port)}\nawait cap.wait(timeout=0.05)")
    assert error[0] == "WaitTimeout"
    assert "0 of 1 messages" in error[1]
    assert f"port {port}" in error[1]
    _, error = second.run(cell(scheme, port))
    assert error[0] == "PortInUse"
    assert "restart its kernel" in error[1]
    assert f"{scheme}://127.0.0.1:0" in error[1]
    with CLIENTS[scheme](port) as client:  # the other one has not hurt it
        client.send(b"1")
        ran(first, "cap.wait_sync(1); cap.stop()")
    assert f"listening on {scheme}://127.0.0.1:{port}" in ran(second, cell(scheme, port))


def test_one_table_of_all_transports_and_one_stop_for_all(kernel):
    taken = {scheme: free_port(scheme) for scheme in CLIENTS}
    addresses = ", ".join(f"'{scheme}://127.0.0.1:{port}'" for scheme, port in taken.items())
    listen = f"cap = gd.listen({addresses}, framing='u32le')"
    ran(kernel, listen)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(CLIENTS[scheme](port)) for scheme, port in taken.items()]
        for number in range(12):
            clients[number % 3].send(b"%d" % number)
            ran(kernel, f"cap.wait_sync({number + 1})")
        said = ran(
            kernel,
            f"before = cap\n{listen}\nassert cap is before\ntable = cap.df\n"
            "assert table.time.is_monotonic_increasing\nmessages = table[table.event == 'message']\n"
            "print(*messages.payload, *messages.endpoint.str[:3])",
        )
        assert said.split() == [f"b'{number}'" for number in range(12)] + ["udp", "tcp", "ws:"] * 4
        ran(kernel, "other = gd.listen('udp://127.0.0.1:0')")
        assert ran(kernel, "print(gd.stop_all(), gd.stop_all(), cap.running)") == "2 0 False\n"
    assert all(is_free(scheme, port) for scheme, port in taken.items())


@scheme
def test_a_client_whose_cell_runs_again_and_whose_server_goes(pair, scheme):
    server, client = pair
    port = free_port(scheme)
    connect = f"cap = gd.connect('{scheme}://127.0.0.1:{port}', framing='u32le')"
    ran(server, cell(scheme, port))
    assert ran(client, f"{connect}\nbefore = cap\n{connect}\nprint(cap is before)") == "True\n"
    ran(client, "cap.send(b'1')")
    ran(server, "cap.wait_sync(1)\ncap.send(b'2')\ncap.stop()")
    if scheme == "udp":  # which tells of a missing server only when something was sent to it, and goes on
        assert ran(client, f"cap.wait_sync(1)\n{connect}\nprint(cap is before, cap.running)") == "True True\n"
    else:
        ended = "import time\nwhile cap.running: time.sleep(0.01)\nprint(cap)"
        assert "<Capture: stopped after" in ran(client, f"cap.wait_sync(1)\n{ended}")
        _, error = client.run(connect)
        assert error[0] == "NotConnected"
        assert "nobody listens there; start the game first" in error[1]
    ran(server, cell(scheme, port))
    ran(client, f"{connect}\ncap.send(b'3')")
    ran(server, "cap.wait_sync(1)")
    assert ran(client, "print(cap is before, *before.df.query('event == \"message\"').payload)") == (
        "True b'1' b'2' b'3'\n" if scheme == "udp" else "False b'1' b'2'\n"
    )


@pytest.mark.parametrize("now", [False, True], ids=["restarted", "killed"])
def test_a_kernel_that_has_gone_leaves_no_port_taken(pair, now):
    kernel, other = pair
    taken = {scheme: free_port(scheme) for scheme in CLIENTS}
    cells = "\n".join(cell(scheme, port) for scheme, port in taken.items())
    ran(kernel, cells)
    # Connections that are open at the end do not keep the port either: of other programs, and of the kernel's own.
    ran(other, f"cap = gd.connect('tcp://127.0.0.1:{taken['tcp']}', framing='u32le')")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(CLIENTS[scheme](port)) for scheme, port in taken.items()]
        for client in clients:
            client.send(b"1")
        assert not any(is_free(scheme, port) for scheme, port in taken.items())
        kernel.manager.restart_kernel(now=now)
        kernel.wait_until_ready()
        assert all(is_free(scheme, port) for scheme, port in taken.items())
        said = ran(kernel, f"import gdlab as gd\n{cells}")
        assert said.count("nothing received") == 3
    ended = "import time\nwhile cap.running: time.sleep(0.01)\nprint(cap.df.detail.iloc[-1])"
    assert "by the peer" in ran(other, ended)


def test_the_doctor_knows_the_kernel_and_a_script_shows_itself(kernel):
    said = ran(kernel, "import gdlab as gd; gd.doctor(time_limit_s=20)")
    assert "kernel            ipykernel " in said
    assert "ipywidgets 8" in said
    said = ran(kernel, "cap = gd.listen('udp://127.0.0.1:0'); cap.gdscript()")
    assert "\nconst PORT := " in said
