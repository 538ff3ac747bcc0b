"""Real traffic for a capture: a headless Godot where one is found, else the embedded source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Literal, Protocol, Self

from gdlab import godot, surroundings
from gdlab.errors import AddressError, GodotNotFound, GodotVersionError
from gdlab.peers import AnswerGame
from gdlab.transports import Address, parse, parse_known

#: Set by `gdlab lab`, which keeps a game running beside the notebooks: where it sends, and what it is.
ALREADY_VARIABLE: Final = "GDLAB_TRAFFIC"

#: Frames per second of a game that is not told otherwise.
FPS: Final = 60

#: A game without a time limit ends all the same, should nobody stop it.
LONGEST_S: Final = 12 * 3600.0


class Traffic:
    """A game that sends to an address until it is stopped or its time is over.

    Attributes
    ----------
    description : what it is, and why.
    is_godot : whether a real engine runs it.
    """

    def __init__(self, to: Address, player: godot.Game | AnswerGame | None, description: str) -> None:
        self.to = to
        self.description = description
        self.is_godot = isinstance(player, godot.Game)
        self._player = player

    @property
    def running(self) -> bool:
        """Whether it still sends, as far as this process can tell."""
        return self._player is None or self._player.running

    def said(self, lines: int = 100) -> list[str]:
        """Return the last lines that the game has printed; the embedded source, and one of others, print nothing."""
        game = self._player
        return game.output.splitlines()[-lines:] if isinstance(game, godot.Game) else []

    def stop(self) -> None:
        """End the game. One that somebody else started goes on."""
        if self._player is not None:
            self._player.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "sends" if self.running else "has stopped sending"
        return f"<Traffic: {self.description} {state} to {self.to}>"


class Listening(Protocol):
    """A capture, as far as a game for it needs to know it."""

    @property
    def addresses(self) -> Sequence[str]:
        """Where it listens."""

    def gdscript(self, kind: Literal["send"] = "send") -> object:
        """The script of a game that sends to it."""


def demo_game(
    to: str | Listening = "udp://127.0.0.1:4242",
    *,
    seconds: float | None = None,
    fps: int = FPS,
    engine: bool | None = None,
) -> Traffic:
    """Start a game that sends to an address: a real Godot where one is found, else the embedded source.

    Both do the same: they send "The answer is... 42!" in every frame until they are answered, then numbered probe
    messages, and they answer probe messages (see `gdlab.probe`).

    Parameters
    ----------
    to : where it sends: an address, `udp://` on this machine; or a capture that listens, by any transport. TCP and
        WebSocket need a real Godot, which runs what ``capture.gdscript("send")`` writes.
    seconds : it ends by itself after so long; None plays until `stop`.
    fps : frames per second. Alongside `gdlab lab`, whose own game sends to port 4242 at 60, another rate means a game
        of its own; take another port for it, or both are heard.
    engine : True insists on a real Godot, False on the embedded source; None takes whichever is available.

    Raises
    ------
    AddressError : not a UDP address of this machine.
    GodotNotFound, GodotVersionError : with ``engine=True``, or for TCP and WebSocket.
    """
    surroundings.demand("gd.demo_game needs")
    if not isinstance(to, str):
        address = parse_known(to.addresses[0])
        if address.transport != "udp":
            return demo_script(str(address), str(to.gdscript("send")), fps=fps, seconds=seconds)
        host = {"lan": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, address.host)  # noqa: S104 (not bound)
        to = f"udp://{host}:{address.port}"
    address = parse(to, schemes=("udp",))
    if address.port == 0:
        raise AddressError(f"{to} is no address to send to; give the port of the listener")
    host = "127.0.0.1" if address.host == "localhost" else address.host
    already = os.environ.get(ALREADY_VARIABLE, "")
    taken = already.startswith(f"{address.port} ")
    if taken and engine is None and fps == FPS:
        return Traffic(address, None, already.partition(" ")[2])
    why = "asked for"
    if engine is not False:
        try:
            return _godot(address, host, seconds, fps)
        except (GodotNotFound, GodotVersionError) as error:
            if engine:
                raise
            why = "no Godot 4 was found" if isinstance(error, GodotNotFound) else str(error)
    game = AnswerGame(address.port, host, fps=fps, seconds=seconds).start()
    return Traffic(address, game, f"the embedded source ({why}), {game.address},")


def _godot(address: Address, host: str, seconds: float | None, fps: int) -> Traffic:
    engine = godot.find()
    game = godot.start(
        godot.script("answer_game"),
        args=[f"host={host}", f"port={address.port}", f"seconds={seconds or 0}"],
        fps=fps,
        time_limit_s=LONGEST_S if seconds is None else seconds + 30,
        engine=engine,
    )
    return Traffic(address, game, f"Godot {engine.version} (process {game.pid})")


def demo_script(to: str, source: str, *, fps: int = 60, seconds: float | None = None) -> Traffic:
    """Start a real Godot with a script of its own, such as ``Capture.gdscript`` writes; stop it as any other.

    Parameters
    ----------
    to : where the script sends, for the description only.
    source : GDScript; see `gdlab.godot.start`.
    fps : frames per second. seconds : it is ended after so long; None plays until `stop`.

    Raises
    ------
    GodotNotFound, GodotVersionError : no Godot 4 was found.
    """
    engine = godot.find()
    game = godot.start(source=source, fps=fps, time_limit_s=seconds or LONGEST_S, engine=engine)
    return Traffic(parse_known(to), game, f"Godot {engine.version} (process {game.pid})")


def announce(traffic: Traffic) -> dict[str, str]:
    """Return the environment that tells notebooks of a game which runs already."""
    return {ALREADY_VARIABLE: f"{traffic.to.port} {traffic.description}"}


__all__ = ["Traffic", "announce", "demo_game", "demo_script"]
