"""Every exception gdlab raises on purpose.

::

    GdlabError
    ├── AddressError            (ValueError)    an address that cannot be understood or must not be used
    ├── PortInUse               (OSError)       another program holds the port; says which where the system tells
    ├── PortForbidden           (PermissionError)  the system keeps this port for root
    ├── EndpointClosed          (RuntimeError)  something was asked of an endpoint that has ended
    ├── NotConnected            (ConnectionError)  a connection that was asked for could not be made
    ├── NotSent                 (RuntimeError)  a message could not be sent
    ├── WaitTimeout             (TimeoutError)  a wait reached its deadline; carries the diagnosis
    ├── LoadError               (ValueError)    a file that is not a gdlab capture, or a damaged one
    ├── NotPossibleHere         (RuntimeError)  needs threads or sockets, which Python in a browser does not have
    ├── MissingDependency       (ImportError)   an optional package is needed; says which and how to get it
    ├── GodotNotFound           (FileNotFoundError)  no Godot 4; lists where gdlab looked
    ├── GodotVersionError       (RuntimeError)  an engine of another generation
    ├── GodotEnded              (RuntimeError)  the engine ended before it did what was waited for
    ├── GdscriptError           (ValueError)    no game can do what a script was asked for
    ├── FolderUnusable          (OSError)       the folder of `spill=` cannot be made or written to; says why
    ├── DebuggerError           (ValueError)    bytes that are not the engine's debugger protocol
    ├── LinkError               (ValueError)    an impossible network condition; names the field and what to do
    ├── RelayError              (RuntimeError)  a relay could not start, or has ended
    ├── ReplayError             (ValueError)    a recording that cannot be replayed; says why
    ├── PayloadError            (ValueError)    bytes that are not what a codec reads
    ├── FramingError            (ValueError)    bytes of a stream that break its framing
    └── VariantError            (ValueError)
        ├── VariantDecodeError                  bytes that Godot would refuse, too
        └── VariantEncodeError                  a value that Godot's Variant cannot hold

What comes from the network is data: a bad payload becomes a row with its reason, never an exception in a
listener. What the caller got wrong raises at once, and also is the builtin that Python programmers expect.

An error about what was read carries a statement, which is data, in place of a message: its text is made when somebody
reads it, in the reader's language.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from gdlab.facts import Fact, Statement
from gdlab.words import stated

# What an error is made with: a text, or what its text is made of.
Told: TypeAlias = str | Statement | Fact


class GdlabError(Exception):
    """Base of every error of gdlab."""

    @property
    def statement(self) -> Statement | Fact | None:
        """What happened, as data; None where there is only a text."""
        told: Any = self.args[0] if self.args else None
        return told if isinstance(told, Statement | Fact) else None

    def __str__(self) -> str:
        told = self.statement
        return super().__str__() if told is None else stated(told)


class AddressError(GdlabError, ValueError):
    """An address that cannot be understood, or that must not be used as it stands."""


class PortInUse(GdlabError, OSError):
    """The port is taken; `holder` names the process where the system reveals it, else is empty."""

    def __init__(self, message: str, *, address: str, holder: str = "") -> None:
        super().__init__(message)
        self.address = address
        self.holder = holder


class PortForbidden(GdlabError, PermissionError):
    """The system keeps this port for privileged programs."""


class NotPossibleHere(GdlabError, RuntimeError):
    """Python here has no threads, sockets or processes, as in a browser; the message says what works instead."""


class EndpointClosed(GdlabError, RuntimeError):
    """The endpoint or capture has ended and cannot do what was asked."""


class NotConnected(GdlabError, ConnectionError):
    """A connection that was asked for could not be made; the message says why and what to try."""


class NotSent(GdlabError, RuntimeError):
    """A message could not be sent: there is no peer, the peer does not read, or it does not fit.

    Attributes
    ----------
    fact : what its row has, where there is one.
    """

    def __init__(self, message: Told) -> None:
        super().__init__(message)
        self.fact = message if isinstance(message, Fact) else None


class WaitTimeout(GdlabError, TimeoutError):
    """A wait reached its deadline; the message is the diagnosis, `arrived` the rows seen, `wanted` those asked for."""

    def __init__(self, message: str, *, arrived: int, wanted: int) -> None:
        super().__init__(message)
        self.arrived = arrived
        self.wanted = wanted


class LoadError(GdlabError, ValueError):
    """A file that is not a capture of gdlab, or a damaged one."""


class FolderUnusable(GdlabError, OSError):
    """A folder that rows were to be kept in, and that cannot be made or written to."""


class HandoutExists(GdlabError, FileExistsError):
    """A file of the course is in that folder already; nothing was written over it."""


class MissingDependency(GdlabError, ImportError):
    """An optional package is needed for what was asked."""


class GodotNotFound(GdlabError, FileNotFoundError):
    """No Godot 4 was found; the message lists where gdlab looked and how to get one."""


class GodotVersionError(GdlabError, RuntimeError):
    """An engine was found, but of a generation gdlab does not speak to."""


class GodotEnded(GdlabError, RuntimeError):
    """The engine ended before it did what was waited for; the message says why it ended and what it printed last."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class GdscriptError(GdlabError, ValueError):
    """A script was asked for that no game could run; the message says why and what there is instead."""


class LinkError(GdlabError, ValueError):
    """An impossible network condition; the message names the field and what to do."""


class RelayError(GdlabError, RuntimeError):
    """A relay could not start, or has ended and cannot do what was asked."""


class ReplayError(GdlabError, ValueError):
    """A recording that cannot be replayed as it was asked for; the message gives the reason."""


class PayloadError(GdlabError, ValueError):
    """Bytes that are not what a codec reads; `statement` has what is wrong with them."""


class FramingError(GdlabError, ValueError):
    """Bytes of a stream that break its framing; `offset` counts from the start of the stream."""

    def __init__(self, message: Told, *, offset: int = 0, needed_bytes: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.needed_bytes = needed_bytes
        #: What its row has, where there is one.
        self.fact = message if isinstance(message, Fact) else None


class DebuggerError(GdlabError, ValueError):
    """Bytes that are not the engine's debugger protocol, or end in it; `offset` counts from the start of the stream."""

    def __init__(self, message: Told, *, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class VariantError(GdlabError, ValueError):
    """Base of the two Variant errors.

    Attributes
    ----------
    offset : byte offset into the data (decoding), or into what had been written (encoding).
    path : where in the value, as a Python expression suffix such as ``["items"][3].pos``; empty at the root.
    """

    def __init__(
        self, message: Told, *, offset: int = 0, path: str = "", expected: Told = "", found: Told = ""
    ) -> None:
        super().__init__(message)
        self.offset = offset
        self.path = path
        self._expected = expected
        self._found = found

    @property
    def expected(self) -> str:
        """What should have been there."""
        return _text(self._expected)

    @property
    def found(self) -> str:
        """What was there."""
        return _text(self._found)


class VariantDecodeError(VariantError):
    """Bytes that are not a Variant Godot would accept; `code` is the engine's own error name where known."""

    def __init__(
        self,
        message: Told,
        *,
        offset: int = 0,
        path: str = "",
        expected: Told = "",
        found: Told = "",
        code: str = "",
    ) -> None:
        super().__init__(message, offset=offset, path=path, expected=expected, found=found)
        self.code = code


class VariantEncodeError(VariantError):
    """A Python value that Godot's Variant cannot hold."""


def _text(told: Told) -> str:
    return told if isinstance(told, str) else stated(told)
