"""What all endpoints send: what they are told to, what they send by themselves, and what they answer."""

from __future__ import annotations

import functools
import random
import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gdlab import clock
from gdlab.errors import NotSent
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Direction, Event, Kind, Message, Peer
from gdlab.transports.bound import Bound
from gdlab.transports.encoding import Outgoing
from gdlab.transports.life import Life
from gdlab.transports.loop import Loop
from gdlab.transports.options import EndpointOptions
from gdlab.transports.own_pings import MarkingSink, OwnPings
from gdlab.transports.replies import Close, Reply, ReplyFunction, echo, reply_function, short_rule
from gdlab.transports.sink import Sink
from gdlab.transports.states import State

if TYPE_CHECKING:
    from gdlab.framing import FramingLike

#: How long reading all streams again may take.
REFRAME_DEADLINE_S: Final = 60.0

#: How long `send` waits for a peer that does not read.
SEND_DEADLINE_S: Final = 5.0


class Endpoint(Life):
    """A bound address, and what serves it.

    Parameters
    ----------
    bound : what `bind` returned; the endpoint closes its sockets.
    sink : where the rows go; this endpoint becomes its one writer when it is started.
    options : what was chosen for it.
    loop : the loop that serves it, of several endpoints perhaps; by default one of its own.
    """

    def __init__(
        self, bound: Bound, sink: Sink, options: EndpointOptions | None = None, *, loop: Loop | None = None
    ) -> None:
        super().__init__(bound, sink, options, loop=loop)
        #: What the reply rule raised last; its count is how often since it was set. None while it has not.
        self.reply_problem: Fact | None = None
        self._name = str(bound.address)  # as the messages carry it
        self._pings = OwnPings()
        # Which start of the two repetitions is the valid one: a timer of an earlier start must not go on beside it.
        self._ping_run = self._speak_run = 0
        self._reply: ReplyFunction | None = reply_function(self.options.reply)
        self._short, self._echoes = short_rule(self.options.reply), self.options.reply is echo

    # ---- what a transport supplies

    @abstractmethod
    def _send(self, outgoing: Outgoing, peer: Any) -> Fact | None:
        """Send to a peer and write the row; return what went wrong, which is in the row, too, else nothing."""

    @abstractmethod
    def _ping_targets(self) -> Iterable[Any]:
        """Return the peers to ping now, in the form that `_send` takes: connected, or heard lately."""

    @abstractmethod
    def _peer_of(self, target: Any) -> tuple[Peer, int]:
        """Return the name of what `_send` takes as peer, and the number under which the sink knows it."""

    # ---- from any thread

    @property
    def unanswered_pings(self) -> int:
        """How many pings were sent, where not one has been answered in the time that a round trip may take; else 0."""
        return self._pings.unanswered(clock.now_ns())

    def send(self, outgoing: Outgoing, to: str | None = None, timeout_s: float = SEND_DEADLINE_S) -> int:
        """Send a message to every peer that is there, or to one; from any thread.

        Where too much waits to be sent already, this waits until the peers have read some of it.

        Parameters
        ----------
        to : the peer as the rows name it, such as ``"127.0.0.1:53211"``; None sends to all.

        Returns
        -------
        To how many peers it was sent. Each is a row.

        Raises
        ------
        NotSent : nobody is there, or nobody reads, or the message does not fit. EndpointClosed : it has ended.
        """
        deadline = time.monotonic() + timeout_s
        own = self._loop.is_mine
        while not (sent := self.ask(lambda: self._send_to(outgoing, to, wait=not own))):
            if time.monotonic() > deadline:
                raise NotSent(
                    f"{to or 'a peer'} of {self.address} has not read for {timeout_s:g} s what was sent before; "
                    "nothing was added. Is the game paused, or does it not call poll()?"
                )
            time.sleep(0.005)
        return sent

    def _send_to(self, outgoing: Outgoing, to: str | None, *, wait: bool) -> int:
        """Send to the peers that are meant; 0 if one of them has no room for it."""
        everyone = list(self._send_targets()) if to is None else list(self._targets())
        targets = [target for target in everyone if to is None or str(self._peer_of(target)[0]) == to]
        if not targets:
            known = ", ".join(str(self._peer_of(target)[0]) for target in everyone[:5])
            raise NotSent(
                f"{to!r} is not there; {self.address} knows {known}"
                if known
                else f"no peer to send to: no peer has come to {self.address} yet"
            )
        if wait and not all(map(self._has_room, targets)):
            return 0
        problems = [problem for target in targets if (problem := self._send(outgoing, target))]
        if problems:
            raise NotSent(problems[0])
        return len(targets)

    def _targets(self) -> Iterable[Any]:
        """Return all peers that could be sent to."""
        return self._ping_targets()

    def _send_targets(self) -> Iterable[Any]:
        """Return the peers that a message to all is for."""
        return self._ping_targets()

    def _may_ping(self, _target: Any) -> bool:
        """Whether a ping would reach a peer as the message that it is."""
        return True

    def _takes_only_variants(self, _target: Any) -> bool:
        """Whether a peer would not understand a ping in JSON."""
        return False

    def _has_room(self, _target: Any) -> bool:
        """Whether a peer has read enough of what was sent before to be sent more."""
        return True

    def set_reply(self, reply: Reply | None, every: float | None = None) -> None:
        """Replace the reply rule; takes effect with the next message, or the next time to speak."""
        before, changed = self.options.every, replace(self.options, reply=reply, every=every)
        self._reply, self._short, self._echoes = reply_function(reply), short_rule(reply), reply is echo
        self.reply_problem = None
        self.options = changed
        if every is not None and before is None and self._state is State.LISTENING:
            self._speak_run += 1
            self.call(functools.partial(self._speak, self._speak_run))

    def set_ping(self, ping: float | None) -> None:
        """Change how often peers are pinged; None stops it."""
        before, self.options = self.options.ping, replace(self.options, ping=ping)
        if ping is not None and before is None and self._state is State.LISTENING:
            self._ping_run += 1
            self.call(functools.partial(self._ping_peers, self._ping_run))

    def reframe(self, choice: FramingLike) -> None:
        """Read all streams, from their first byte on, in another framing, and go on in it; others have none.

        Raises
        ------
        FramingError : there is no such framing. TimeoutError, EndpointClosed : as for `ask`.
        """
        from gdlab.framing import check_name  # which datagrams have no use for

        check_name(choice)

        def change() -> None:
            self.options = replace(self.options, framing=choice)
            self._reframe(choice)

        if self._state is State.LISTENING:
            self._loop.ask(self, change, REFRAME_DEADLINE_S)
        else:  # nobody else writes to the sink
            change()

    def _reframe(self, choice: FramingLike) -> None:
        """Read the streams again."""

    # ---- on the loop's thread

    def _begin_speaking(self) -> None:
        if self.options.ping is not None:
            self._after(self.options.ping, functools.partial(self._ping_peers, self._ping_run))
        if self.options.every is not None:
            self._after(self.options.every, functools.partial(self._speak, self._speak_run))

    def _ping_peers(self, run: int) -> None:
        if self.options.ping is None or run != self._ping_run:
            return
        for target in filter(self._may_ping, self._ping_targets()):
            if not isinstance(self.sink, MarkingSink):
                self.sink = MarkingSink(self.sink, self._pings)
            ping = self._pings.make(clock.now_ns(), as_variant=self._takes_only_variants(target))
            self._send(Outgoing(ping, Kind.TEXT), target)
        # At irregular moments (RFC 2330 section 11.1.1): in step with a game's frames, all pings would wait alike.
        self._after(self.options.ping * random.uniform(0.5, 1.5), functools.partial(self._ping_peers, run))

    def _speak(self, run: int) -> None:
        """Say the reply to each peer, without being asked."""
        if self.options.every is None or run != self._speak_run:
            return
        self._after(self.options.every, functools.partial(self._speak, run))
        for target in list(self._ping_targets()):
            peer, code = self._peer_of(target)
            about = Message(clock.now_ns(), self._name, peer, direction=Direction.OUT, kind=Kind.TEXT)
            self._reply_to(about, target, code)

    @property
    def _answers(self) -> bool:
        """Whether messages are answered one by one."""
        return self._reply is not None and self.options.every is None

    def _answer(self, message: Message, peer: Any, peer_code: int) -> None:
        """Apply the reply rule to a message, if messages are answered; an answer to a ping of ours asks for nothing."""
        if self.options.every is None and not (self._pings and self._pings.knows(message.payload)):
            self._reply_to(message, peer, peer_code)

    def _reply_to(self, message: Message, peer: Any, peer_code: int) -> None:
        """Send what the reply rule says."""
        for answer in self._reply_of(message, peer, peer_code):
            self._send(answer, peer)

    def _reply_of(self, message: Message, peer: Any, peer_code: int) -> list[Outgoing]:
        """What the reply rule wants to be sent; where it ends the connection, that follows."""
        said: list[Outgoing] = []
        for answer in self._answers_to(message, peer_code):
            if isinstance(answer, Close):
                # Not at once: it may be the answer to one of many messages of a read.
                self._loop.call(self, functools.partial(self._close_peer, peer, answer))
                break
            said.append(answer)
        return said

    def _send_gathered(self) -> None:
        """Send the answers that are kept to be sent together, where there are any."""

    def _answers_to(self, message: Message, peer_code: int) -> Sequence[Outgoing | Close]:
        """What the reply rule says; what it raises becomes a row."""
        if self._reply is None:
            return ()
        try:
            return self._reply(message)
        except BaseException as error:  # noqa: BLE001 (the user's function; the listener must live on)
            self._send_gathered()  # which came before it
            fact = Fact.of(Reason.REPLY_RAISED, by=US, error=f"{type(error).__name__}: {error}")
            self.sink.append(clock.now_ns(), peer_code, direction=Direction.OUT, event=Event.ERROR, fact=fact)
            before = self.reply_problem
            self.reply_problem = fact._replace(count=before.count + 1) if before else fact
            return ()

    def _close_peer(self, peer: Any, closing: Close) -> None:
        """End the connection of a peer."""
