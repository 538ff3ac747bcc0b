"""Players of a game that a test is the clock and the author of."""

from collections.abc import Callable

from gdlab.peers import FramePeer, PacketPeerUDP


class Players(FramePeer):
    """So many peers, each with a socket of its own, that send one datagram a frame to a port of this machine.

    Parameters
    ----------
    message : what player number `player` sends in its frame number `frame`, both from 0; None sends nothing.
    """

    def __init__(
        self, port: int, message: Callable[[int, int], bytes | None], *, players: int = 1, fps: float = 60.0
    ) -> None:
        super().__init__(fps=fps)
        self._message = message
        self._peers = [PacketPeerUDP() for _ in range(players)]
        for peer in self._peers:
            peer.connect_to_host("127.0.0.1", port)

    @property
    def ports(self) -> list[int]:
        """The port of each player."""
        return [peer.get_local_port() for peer in self._peers]

    def _process(self) -> None:
        for player, peer in enumerate(self._peers):
            payload = self._message(player, self.frames)
            if payload is not None:
                peer.put_packet(payload)

    def _close(self) -> None:
        for peer in self._peers:
            peer.close()
