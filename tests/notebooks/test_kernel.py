"""Captures in a real kernel: interrupt, restart, a port of an earlier cell, one that another kernel holds."""

import contextlib
import queue
import socket
import time
import warnings

import pytest

from tests.notebooks.test_notebooks import free_port

pytestmark = pytest.mark.notebook

PAUSE_S = 0.05


class Kernel:
    """A kernel as a notebook has it."""

    def __init__(self):
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def begin(self, code):
        """Run a cell and do not wait for its end."""
        return self.client.execute(code)

    def end(self, request, timeout_s=60):
        """What the cell printed and showed, and the name and text of its error."""
        shown, error = [], ("", "")
        deadline = time.monotonic() + timeout_s
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
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=1)
                if message["parent_header"].get("msg_id") == request and text in str(message["content"]):
                    return
        pytest.fail(f"no output {text!r}")

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a function that starts a kernel."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    started = []

    def start():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the kernel's own transport libraries
            started.append(Kernel())
        return started[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield start
        for kernel in started:
            kernel.close()


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("wait", ["await cap.wait(5, timeout=60)", "cap.wait_sync(5, timeout=60)"])
def test_interrupt_and_restart(kernels, wait):
    kernel, port = kernels(), free_port()
    listen = f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}'); print(cap)"
    said, error = kernel.run(listen)
    assert f"listening on udp://127.0.0.1:{port}" in said
    assert error == ("", "")

    # The stop button while a cell waits: the wait ends, the capture goes on.
    request = kernel.begin(f"print('waits', flush=True)\n{wait}")
    kernel.wait_for_output(request, "waits")
    time.sleep(PAUSE_S)  # the interrupt must hit the wait and not the print before it
    kernel.manager.interrupt_kernel()
    _, error = kernel.end(request)
    assert error[0] in ("KeyboardInterrupt", "CancelledError")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(5):
            sock.sendto(b"after the interrupt", ("127.0.0.1", port))
    said, error = kernel.run(f"{wait}; print(len(cap.df))")
    assert error == ("", "")
    assert "5" in said

    # The same cell again: the same capture, with its rows.
    said, _ = kernel.run(f"before = cap\n{listen}\nprint(cap is before, len(cap.df))")
    assert "True 5" in said
    assert not is_free(port)

    # A restart frees the port, and the same cell works in the new kernel.
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=60)
    assert is_free(port)
    said, error = kernel.run(listen)
    assert "nothing received" in said
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=60)
    assert is_free(port)


def test_a_wait_that_ends_without_messages_and_a_port_of_another_notebook(kernels):
    first, second, port = kernels(), kernels(), free_port()
    _, error = first.run(
        f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}'); await cap.wait(timeout=0.1)"
    )
    assert error[0] == "WaitTimeout"
    assert "0 of 1 messages" in error[1]
    assert f"send to port {port}" in error[1]
    _, error = second.run(f"import gdlab as gd; cap = gd.listen('udp://127.0.0.1:{port}')")
    assert error[0] == "PortInUse"
    assert "restart its kernel" in error[1]
    assert "udp://127.0.0.1:0" in error[1]
    said, error = first.run("cap.stop(); print(cap)")
    assert "stopped" in said
    said, error = second.run(f"cap = gd.listen('udp://127.0.0.1:{port}'); print(cap)")
    assert error == ("", "")


def test_the_doctor_knows_the_kernel_and_a_script_shows_itself(kernels):
    kernel, port = kernels(), free_port()
    said, error = kernel.run("import gdlab as gd; gd.doctor(time_limit_s=20)")
    assert error == ("", "")
    assert "kernel            ipykernel " in said
    assert "ipywidgets 8" in said
    said, error = kernel.run(f"gd.listen('udp://127.0.0.1:{port}').gdscript()")
    assert error == ("", "")
    assert f"\nconst PORT := {port}\n" in said
