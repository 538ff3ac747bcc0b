"""The bytes of one link, read as messages."""

from __future__ import annotations

from typing import Final, NamedTuple

from gdlab.debugging.messages import Message, Unreadable
from gdlab.debugging.parse import parse
from gdlab.errors import DebuggerError, VariantDecodeError
from gdlab.facts import Reason
from gdlab.framing import framer
from gdlab.variant import Decoder
from gdlab.words import sentence

#: What the engine itself takes and sends at the most (``core/debugger/remote_debugger_peer.cpp``).
MAX_FRAME_BYTES: Final = 8 * 2**20
#: Characters of a message's name that are kept.
MAX_NAME: Final = 256

_HEADER_BYTES: Final = 4


class Received(NamedTuple):
    """One message as it came.

    Attributes
    ----------
    time_ns : when its last byte was read, UTC nanoseconds.
    offset : where its frame begins in the stream. size_bytes : of the frame, length field and all.
    thread : the game's own number of the thread; 1 is the main one.
    message : what it says. frame : its Variant's bytes.
    touched : the notebook had called into this game, or set something in it, before this message came.
    """

    time_ns: int
    offset: int
    size_bytes: int
    thread: int
    message: Message
    frame: bytes
    touched: bool = False


class Reader:
    """One direction of a link: bytes in, messages out.

    Parameters
    ----------
    max_frame_bytes : longer frames are passed over and become `Unreadable`.
    """

    def __init__(self, *, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._framer = framer("put_var", max_frame_bytes=max_frame_bytes)
        # Objects are never decoded: an object sent whole is refused, one sent as an id is a number.
        self._decoder = Decoder(full_objects=False, max_bytes=max_frame_bytes)
        self._offset = 0
        #: Messages that could not be read.
        self.unreadable = 0
        #: What ended the stream; raised by `receive` once all that came before has been returned.
        self.error: DebuggerError | None = None

    def receive(self, chunk: bytes, now_ns: int) -> list[Received]:
        """The messages that are complete with these bytes.

        Parameters
        ----------
        chunk : the bytes of one read. now_ns : when they were read, UTC nanoseconds.

        Raises
        ------
        DebuggerError : the bytes are no stream of frames; nothing more can be read of it.
        """
        self._framer.receive_data(chunk)
        found: list[Received] = []
        for frame in self._framer.frames():
            flaw = sentence(frame.flaw) if frame.flaw else ""
            if frame.flaw and (frame.flaw.reason is Reason.MALFORMED or self._framer.error is not None):
                self.error = DebuggerError(
                    f"this is not Godot's debugger protocol: {flaw}", offset=self._offset
                )
                break
            if frame.flaw:
                message: Message = Unreadable("", flaw)
                thread = 0
            else:
                thread, message = self._message(frame.payload)
            size = frame.header_bytes + len(frame.payload)
            self.unreadable += isinstance(message, Unreadable)
            found.append(Received(now_ns, self._offset, size, thread, message, frame.payload))
            self._offset += size
        if self.error is not None and not found:
            raise self.error
        return found

    def end(self) -> None:
        """The stream has ended.

        Raises
        ------
        DebuggerError : in the middle of a message, as at a crash.
        """
        held = self._framer.held_bytes
        self._framer.end()
        if held:
            raise DebuggerError(
                f"the link ended in the middle of a message: {held} bytes of it had come", offset=self._offset
            )

    def _message(self, payload: bytes) -> tuple[int, Message]:
        try:
            value = self._decoder.loads(payload)
        except VariantDecodeError as error:
            return 0, Unreadable("", f"a message that is no Variant: {error}")
        if not (isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)):
            what = f"{type(value).__name__}{f' of {len(value)}' if isinstance(value, list) else ''}"
            return 0, Unreadable("", f"a message that is {what}, where [name, thread, Array] was expected")
        name, thread, data = value
        name = str(name)[:MAX_NAME]
        if not isinstance(thread, int) or isinstance(thread, bool) or not isinstance(data, list):
            return 0, Unreadable(
                name, "a message without thread or data, where [name, thread, Array] was expected"
            )
        return int(thread), parse(name, data)
