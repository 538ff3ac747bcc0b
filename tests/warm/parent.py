"""Load what every kernel loads, then fork a kernel for each who asks at a unix socket: see `tests/warm/__init__.py`.

python -P parent.py SOCKET

One thread only: what a fork inherits of others are locks that nobody will open. It says "ready" when it listens, and
ends, with all of its kernels, when its standard input does.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
from importlib import import_module

# What an ipykernel says to matplotlib before it loads it, and is told of its own parent before it is loaded itself.
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
os.environ["JPY_PARENT_PID"] = str(os.getpid())
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = (
    "1"  # or the debugger, loaded here, warns of Python's own modules
)

import numpy as np
from ipykernel import kernelapp

#: What a kernel of a notebook has loaded sooner or later, beside gdlab.
LOADED = (
    "anywidget",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipywidgets",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "pandas.plotting._matplotlib",
    "pyarrow",
    "websockets.asyncio.server",
)


def whole(connection: socket.socket, size: int) -> bytes:
    """So many bytes of a connection."""
    found = b""
    while len(found) < size:
        found += connection.recv(size - len(found)) or sys.exit("a wish was cut off")
    return found


def wished(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    """What is wished, and the streams that the kernel is to write to."""
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    return json.loads(whole(connection, int.from_bytes(size, "little"))), streams


def be_a_kernel(wish: dict[str, object], streams: list[int]) -> None:
    """In the fork: become a process as if started afresh, and a kernel until it is shut down."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(wish["folder"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    np.random.seed()  # noqa: NPY002  # forks would all draw the same
    sys.argv = ["ipykernel_launcher", "-f", str(wish["connection_file"])]
    kernelapp.launch_new_instance()


class Parent:
    """The kernels that live, and who is waiting for the end of each."""

    def __init__(self, address: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.own = [woken, wakes]
        self.kernels: dict[int, socket.socket] = {}
        self.selector.register(0, selectors.EVENT_READ, None)
        self.selector.register(woken, selectors.EVENT_READ, self.reap)
        self.selector.register(self.listener, selectors.EVENT_READ, self.fork)

    def serve(self) -> None:
        """Until standard input ends."""
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    for kernel in self.kernels:
                        os.kill(kernel, signal.SIGKILL)
                    return
                key.data()

    def fork(self) -> None:
        connection, _ = self.listener.accept()
        wish, streams = wished(connection)
        kernel = os.fork()
        if kernel == 0:
            self.selector.close()
            for other in (self.listener, connection, *self.kernels.values()):
                other.close()
            for pipe in self.own:
                os.close(pipe)
            be_a_kernel(wish, streams)
            sys.exit(0)
        for stream in streams:
            os.close(stream)
        self.kernels[kernel] = connection
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.abandon(kernel))

    def abandon(self, kernel: int) -> None:
        """Who asked for a kernel is gone: nobody is there to shut it down."""
        if kernel in self.kernels:
            self.selector.unregister(self.kernels[kernel])
            os.kill(kernel, signal.SIGKILL)

    def reap(self) -> None:
        """Tell who waits for a kernel that it has ended."""
        os.read(self.own[0], 1000)
        while self.kernels:
            kernel, status = os.waitpid(-1, os.WNOHANG)
            if kernel == 0:
                return
            connection = self.kernels.pop(kernel)
            if connection in {key.fileobj for key in self.selector.get_map().values()}:
                self.selector.unregister(connection)
                connection.sendall(bytes([min(255, abs(os.waitstatus_to_exitcode(status)))]))
            connection.close()


if __name__ == "__main__":
    for module in LOADED:
        import_module(module)
    assert "gdlab" not in sys.modules
    assert threading.active_count() == 1, threading.enumerate()
    parent = Parent(sys.argv[1])
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    parent.serve()
