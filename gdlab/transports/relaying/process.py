"""Starting a relay's process, and reading what it tells."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, Final, Protocol

from gdlab import errors, surroundings
from gdlab.errors import GdlabError, PortInUse, RelayError
from gdlab.transports.relaying import wire

_BOOT: Final = Path(__file__).with_name("boot.py")
#: Starting takes 0.2 s; on a machine that is busy with other things, several.
_START_S: Final = 30.0
_STOP_S: Final = 5.0


class Told(Protocol):
    """Who is told what the process tells; called by one thread, in order."""

    def told(self, values: dict[str, Any]) -> None:
        """Something that happened."""

    def rows(self, block: bytes) -> None:
        """A block of rows, see `wire`."""

    def truth(self, block: bytes) -> None:
        """A block of truth: records of `gdlab.impair.RECORD`."""


class RelayProcess:
    """A relay's process. It ends when `stop` is called, or with this process, however that ends.

    Raises
    ------
    PortInUse, PortForbidden, AddressError : it cannot listen there.
    RelayError : it did not start; the message has what it said.
    """

    def __init__(self, first: dict[str, Any], listener: Told) -> None:
        self._listener = listener
        self._numbers = itertools.count(1)
        self._done: dict[int, threading.Event] = {}
        self._write_lock = threading.Lock()
        self._ready = threading.Event()
        self._first_answer: dict[str, Any] = {}
        self.ended = threading.Event()
        #: What ended the process without being asked to; empty while all is well.
        self.failure = ""
        self._stopping = False
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        surroundings.demand("a relay needs")
        folders = os.pathsep.join(folder for folder in sys.path if folder)
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own file)
                [sys.executable, "-P", str(_BOOT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, "PYTHONPATH": folders},
                # The notebook's stop button interrupts a group of processes: the relay is none of them.
                **_apart(),
            )
        except OSError as error:
            self._said.close()
            raise RelayError(f"the relay's process cannot be started: {error}") from error
        self._thread = threading.Thread(target=self._listen, name="gdlab relay", daemon=True)
        self._thread.start()
        self._write(first)
        if not self._ready.wait(_START_S):
            self.stop()
            raise RelayError(
                f"the relay's process has said nothing for {_START_S:g} s; is the machine very busy? {self._words()}"
            )
        if "error" in self._first_answer:
            self.stop()
            raise _as_raised(self._first_answer, str(first.get("address", "")))
        if not self._first_answer:
            words = self._words()
            self.stop()
            raise RelayError(f"the relay's process ended before it was ready. {words}")
        self.address = str(self._first_answer["ready"])
        #: Whether it wakes to tens of microseconds, or to a millisecond as elsewhere than on Linux.
        self.precise = bool(self._first_answer["precise"])
        self.pid = int(self._first_answer["pid"])

    @property
    def running(self) -> bool:
        """Whether it serves."""
        return not self.ended.is_set()

    def tell(self, **command: Any) -> None:
        """Give a command, and wait until it has taken effect.

        Raises
        ------
        RelayError : the process has ended.
        """
        number = next(self._numbers)
        done = self._done[number] = threading.Event()
        self._write({**command, "id": number})
        while not done.wait(0.2):
            if self.ended.is_set():
                raise RelayError(self.failure or "the relay has been stopped; make another one")
        self._done.pop(number, None)

    def _write(self, values: dict[str, Any]) -> None:
        if self._process.stdin is None:
            return
        try:
            with self._write_lock:
                self._process.stdin.write(json.dumps(values).encode() + b"\n")
                self._process.stdin.flush()
        except (OSError, ValueError) as error:
            if self._ready.is_set() and not self._stopping:
                raise RelayError(self.failure or "the relay has ended; make another one") from error

    def _listen(self) -> None:
        out = self._process.stdout
        if out is None:
            return
        try:
            while len(header := out.read(wire.HEADER.size)) == wire.HEADER.size:
                kind, size = wire.HEADER.unpack(header)
                if size > wire.MAX_BLOCK_BYTES:
                    self.failure = f"the relay's process wrote a block of {size} bytes, which is not ours"
                    break
                data = out.read(size)
                if len(data) < size:
                    break
                self._hear(kind, data)
        except Exception as error:  # noqa: BLE001 (told as the relay's state)
            self.failure = f"reading from the relay's process failed: {type(error).__name__}: {error}"
        finally:
            if not self._stopping and not self.failure:
                self.failure = f"the relay's process has ended. {self._words()}"
            self.ended.set()
            self._ready.set()
            for done in list(self._done.values()):
                done.set()

    def _hear(self, kind: bytes, data: bytes) -> None:
        if kind == wire.ROWS:
            self._listener.rows(data)
        elif kind == wire.TRUTH:
            self._listener.truth(data)
        else:
            values = json.loads(data)
            if "ready" in values or "error" in values:
                self._first_answer = values
                self._ready.set()
            elif "done" in values:
                if (done := self._done.get(values["done"])) is not None:
                    done.set()
            else:
                self._listener.told(values)

    def _words(self) -> str:
        """What the process has written to its error output, shortened."""
        try:
            self._said.seek(0)
            text = self._said.read(20_000).decode(errors="replace").strip()
        except (OSError, ValueError):
            return ""
        return f"It said: {text[-2000:]}" if text else "It said nothing"

    def stop(self, *, flush: bool = False, timeout: float = _STOP_S) -> None:
        """End it, and take its last rows; with `flush` after what is on the line has been sent."""
        self._stopping = True
        if self._process.poll() is None:
            with contextlib.suppress(RelayError):
                self._write({"stop": True, "flush": flush})
            self.ended.wait(timeout)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        self._thread.join(_STOP_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _as_raised(answer: dict[str, Any], address: str) -> GdlabError:
    """The error that the process met, as the cell is to see it."""
    kind, message = answer["error"], answer["message"]
    if kind == "PortInUse":
        return PortInUse(message, address=address, holder=answer.get("holder", ""))
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, GdlabError):
        with contextlib.suppress(TypeError):  # one that takes more than a message
            return found(message)
    return RelayError(message)
