"""What findings report about any traffic, in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

_ONLY_WORD: Final = (
    "The close code is all there is about the reason; a program that quits without closing sends none."
)
_CUT_OFF: Final = Advice(
    "This capture was not closed properly: its last rows may be missing.",
    "{written:row} over {seconds:.1f} s were written; nothing shows how many there should be",
    "See the notes of the file for how much may be missing, and take the last seconds for a lower bound. End a capture "
    "with stop(), or with a with block.",
    "A file that was cut off looks like one in which nothing more happened.",
)
_UNANSWERED: Final = Advice(
    "Nothing answers the pings: there are no round trips.",
    "{sent:ping} sent to {mute:peer}, 0 answered, {lost:,} given up",
    'Paste into the game what cap.gdscript("echo") writes: it sends each ping back. '
    "Or switch the pings off with cap.set_ping(None).",
    "A ping is a message like any other: only a program that answers it makes a round trip.",
)


def _closed(code: int, meaning: str, next_step: str, *, by_gdlab: bool = False) -> Advice:
    who = "were ended by gdlab" if by_gdlab else "ended"
    return Advice(
        f"{{ended:,}} of {{connections:WebSocket connection}} {who} with {code}: {meaning}.",
        f"close code {code} in {{ended:row}}" + (", sent by gdlab" if by_gdlab else ""),
        next_step,
        _ONLY_WORD,
    )


_BINARY_FRAMES: Final = "Send bytes as binary frames (put_packet, send), only text by send_text."

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "nothing-arrived": Advice(
        "Nothing has arrived.",
        "0 messages in, {sent:,} out, {errors:error}, in {seconds:.1f} s of rows",
        "Is the game running, and does it send to this address and port? From another machine listen with host='lan'. "
        "A game exported for the web can only speak WebSocket. Godot does not tell a UDP sender that nobody listens.",
        "UDP reports no failed delivery: silence is all that both sides see of a wrong port.",
    ),
    "refused-visitors": Advice(
        "{times:connection} {times:was|were} refused or given up before a message could come.",
        "{times:row}: {told:; }",
        "Each row names the part that was wrong. A visitor that is refused shows that somebody found the port: the "
        "address is right, the protocol is not.",
        "A handshake fails in one of its parts; the answer gives the reason, which a game does not show.",
    ),
    "nobody-there": Advice(
        "{times:attempt} to connect {times:has|have} failed.",
        "{times:row}: {told:; }",
        "Start the server first, and compare address, port and protocol with what it was told to listen on.",
        "Connecting needs a program at the other end; a refusal shows at least that the machine is there.",
    ),
    "refused-datagrams": Advice(
        "{times:datagram} of ours found nobody at the other end: nobody listens there.",
        "{times:row}: {told:; }",
        "Start the game first, and see that its UDPServer or PacketPeerUDP is bound to this port.",
        "UDP has no connection, but the other side's system may answer that a port is closed; Godot does not show it.",
    ),
    "sub-protocol": Advice(
        "{times:WebSocket connection} {times:has|have} no sub-protocol that both sides know.",
        "{times:row}: {told:; }",
        "Give the listener subprotocols=[...] with a name that the game offers, or leave it out to take any.",
        "A sub-protocol is agreed in the handshake, and a client may leave when it gets none.",
    ),
    "encrypted": Advice(
        "{times:connection} {times:speaks|speak} TLS to a port that does not.",
        "{times:row}: {told:; }",
        "Use tcp:// and ws:// in the game while you capture, or capture behind the proxy that decrypts.",
        "Encrypted bytes show sizes and times, and nothing else.",
    ),
    "left": Advice(
        "{gone:client} came, sent nothing and left.",
        "{gone:,} of {peers:peer} ended the connection without a message",
        "Does the game send before it closes, and call poll() until that is done? disconnect_from_host() throws away "
        "what waits.",
        "A connection that ends takes what was not sent yet with it.",
    ),
    "bytes-waiting": Advice(
        "{held:byte} of a message {held:has|have} arrived, and its rest is missing.",
        "{held:byte} wait for the rest of their message",
        "Wait, if the game is still sending; otherwise it is in another framing: cap.reframe(...) reads it again.",
        "In a stream a message ends where its framing says, not where a packet does.",
    ),
    "bytes-waiting/of": Advice(
        "{held:byte} of a message of {whole:byte} {held:has|have} arrived, and its rest is missing.",
        "{held:byte} of {whole:,} are there",
        "Wait, if the game is still sending; otherwise it is in another framing: cap.reframe(...) reads it again.",
        "In a stream a message ends where its framing says, not where a packet does.",
    ),
    "connected-and-silent": Advice(
        "{silent:,} of {peers:peer} connected and {silent:has|have} sent nothing: {names:, }.",
        "longest silence {seconds:.1f} s since the connection; 0 messages in",
        "In Godot 4 StreamPeerTCP and WebSocketPeer do nothing without poll(): call it in _process before get_status() "
        "or get_ready_state().",
        "A connection is made by the operating system; that a program uses it is another matter.",
    ),
    "connected-and-silent/server": Advice(
        "{names:, } took our connection, and nothing came from there.",
        "longest silence {seconds:.1f} s since the connection; 0 messages in, {sent:,} out",
        "A game that only receives is silent, too. If it should answer: a server in Godot 4 takes a connection with "
        "take_connection() and, over WebSocket, reads nothing without poll(): call both in _process.",
        "A connection is made by the operating system; that a program uses it is another matter.",
    ),
    "enet-unanswered": Advice(
        "{peers:client} of ENet, Godot's high-level multiplayer, {peers:asks|ask} for a server and {peers:gets|get} no "
        "answer: {names:, }.",
        "{times:request} for a connection, and nothing else",
        "A listener is no such server. Let the game's own server run where it is, and its clients connect to a relay: "
        'relay = gd.relay("udp://127.0.0.1:4300", to="udp://127.0.0.1:4242"); relay.multiplayer() names the calls.',
        "A protocol with a handshake can be watched on the way only, not in the place of the one that is spoken to.",
    ),
    "unanswered-pings": _UNANSWERED,
    "unanswered-pings/some": _UNANSWERED._replace(
        what="{mute:peer} of {asked:,} answered no ping: {names:, }."
    ),
    "own-buffer": Advice(
        "{dropped:message} {dropped:was|were} lost in this capture's own receive buffer, not on the network.",
        "the kernel's counter shows {dropped:,} dropped, {n:,} received",
        "Nothing is wrong with the path. Send in smaller bursts, or give the listener a larger buffer (on Linux "
        "net.core.rmem_max limits it).",
        "A datagram that arrives is lost all the same when nobody fetches it in time.",
    ),
    "gap": Advice(
        "The capture has {gaps:gap}; rates and losses around {gaps:it|them} are lower bounds.",
        "{told:; }",
        "Look at the rows named, and give the capture a larger limit if rows were evicted.",
        "A measurement should know what it did not see.",
    ),
    "close-1002": _closed(
        1002,
        "a protocol error",
        "Godot closes like this for a masked frame from a server or a compressed one: switch compression off in the "
        "server.",
    ),
    "close-1006": _closed(
        1006,
        "no close frame at all",
        "The game quit, freed its peer, called close(-1), or the network broke: Godot sends no close frame when it "
        "quits. Call close() and keep polling for a few frames before quitting.",
    ),
    "close-1007": _closed(1007, "text that is not UTF-8", _BINARY_FRAMES),
    "close-1009": _closed(
        1009,
        "a message too big for the receiver",
        "Godot's default is 65,535 bytes: raise inbound_buffer_size before connecting, or send less at once.",
    ),
    "close-1011": _closed(
        1011,
        "an error or a missing answer to a keep-alive ping",
        "Python's websockets closes like this when no pong came for 20 s. A game answers pings in poll(): a paused or "
        "blocked game looks dead. Poll while paused, or set ping_interval=None.",
    ),
    "own-close-1002": _closed(
        1002,
        "the peer broke the protocol",
        "The row of event error before the close shows what was wrong with its frame.",
        by_gdlab=True,
    ),
    "own-close-1007": _closed(1007, "text that is not UTF-8", _BINARY_FRAMES, by_gdlab=True),
    "own-close-1009": _closed(
        1009,
        "a message beyond this capture's own limit",
        "Raise max_message_bytes where the capture is made, or send less at once.",
        by_gdlab=True,
    ),
    "frame-rate": Advice(
        "This is not your network, it is the frame rate: {peer} answers once per frame, at {hz:.1f} Hz.",
        "answers lie on a {hz:.1f} Hz grid (concentration {concentration:.2f}, n={n}); {wait_ms:.1f} ms of the mean "
        "round trip of {rtt_ms:.1f} ms is waiting for the next frame, {path_ms:.2f} ms the rest; waiting explains "
        "{explained:.0%} of the variance",
        "To measure the network, answer probes from a thread or as soon as they come; to be faster, raise the frame "
        "rate (Engine.max_fps) or poll in _physics_process at a higher tick rate.",
        "A program that looks at its socket once per frame adds half a frame to every message, on average.",
    ),
    "nagle": Advice(
        "Round trips pile up at {at_ms} ms, as they do with Nagle's algorithm and delayed acknowledgements.",
        "{inside} of {of} round trips lie between {low_ms:g} and {high_ms:g} ms, {beside} in the {width_ms:g} ms "
        "beside; median {median_ms:.1f} ms",
        "Call set_no_delay(true) on the game's StreamPeerTCP after it has connected (WebSocketPeer does so itself), or "
        "write each message with one call.",
        "Nagle holds back a small segment until the last one is acknowledged (RFC 896); the receiver holds back the "
        "acknowledgement (RFC 1122): together they wait for a timer.",
    ),
    "overload": Advice(
        "Round trips to {peer} climbed to {rtt_s:.1f} s: messages wait in a queue that only grows.",
        "median {medians_ms: -> } ms in fifths of {seconds:.1f} s, n={n}; {asked:message} went there and {heard:,} "
        "came back in that time",
        "In the game read all that waits in each frame: `while peer.get_available_packet_count() > 0:`, not `if`. "
        "Where it does, send less: the game, or the link to it, does not carry that much.",
        "A program that reads one message per frame reads 60 per second: of 61, each waits longer than the one before.",
    ),
    "missing-numbers": Advice(
        "{lost:,} of {expected:numbered message} never arrived: {where}.",
        "{lossy} of {streams:stream} lost some; worst {peer} with {loss:.1%} (95 % interval {low:.1%} to {high:.1%}, "
        "n={n})",
        "Count what the sender really sent (put_packet returns an error when its buffer is full), and check whether "
        "losses come in bursts: those are buffers; single ones are the path.",
        "A number in each message is what makes loss visible; from arrivals alone it is not.",
    ),
    "leaping-numbers": Advice(
        "The numbers leap ahead {leaps:once|# times}, over {leapt:number}: lost in one piece, or never assigned.",
        "{leaping} of {streams:stream}; most of {peer}, {most_leapt:number} in {most_leaps:leap}, among n={n:,} "
        "messages; they count neither as lost nor as expected",
        "Compare with how long nothing arrived: at the usual rate, are that many messages missing in that time? If "
        "not, look at where the game sets its number (a new level, another counter, a message read at the wrong "
        "offset).",
        "A hole in the numbers is a loss only if the numbers between were assigned.",
    ),
    "one-a-frame": Advice(
        "{peer} answers single messages and loses those that come together: it seems to read one per frame.",
        "{share_first:.0%} of {first:ping} answered that came {apart_ms:g} ms or more after another message, "
        "{share_together:.0%} of {together} within {together_ms:g} ms",
        "In the game read with `while peer.get_available_packet_count() > 0:` instead of `if`, and keep the peers that "
        "UDPServer.take_connection() returns: a peer that is let go takes its unread packets along.",
        "A queue that is emptied more slowly than it is filled loses messages, wherever it is.",
    ),
    "glued-or-split": Advice(
        "TCP messages arrive stuck together or in pieces: the stream has no framing that this listener knows.",
        "of {chunks:chunk} {several} hold several JSON values, {parts} begin or end in the middle of one",
        "Send each message with its length (put_var, put_utf8_string, PacketPeerStream) or one per line, and choose "
        "that framing for the listener; framing='json' splits JSON values.",
        "TCP carries bytes in order and knows no messages: where one ends, the two programs must agree.",
    ),
    "over-websocket-buffer": Advice(
        "{messages:WebSocket message} to the game {messages:is|are} over its default of {most:,} bytes.",
        "largest {largest:byte} of {sent:message} sent; Godot 4 closes the connection with code 1009",
        "Set inbound_buffer_size of the game's WebSocketPeer before it connects, or send smaller messages.",
        "Every receiver has a largest message; ask for it before you meet it.",
    ),
    "over-mtu": Advice(
        "{datagrams:datagram} {datagrams:is|are} larger than an Ethernet frame holds.",
        "largest {largest:byte} of {of:datagram}; over {most} bytes (IPv4) they travel as several IP fragments",
        "Keep datagrams under about 1,200 bytes, or split them yourself and number the parts.",
        "One lost fragment loses the whole datagram; some networks drop fragments altogether.",
    ),
    "over-enet-mtu": Advice(
        "{datagrams:datagram} {datagrams:fits|fit} Ethernet but not ENet's packets of {most} bytes.",
        "largest {largest:byte}",
        "If the same data is to travel by Godot's ENet later, keep it under 1,350 bytes (the limit of its "
        "synchronisers), or ENet will split it.",
        "Each layer takes its share of the frame before your payload gets the rest.",
    ),
    "large-integers": Advice(
        "JSON messages hold integers over 2^53, which Godot's JSON rounds.",
        "{messages} of the first {of:message}; {example} becomes {becomes} there",
        "Send such numbers as text, or the message as a Variant (put_var, var_to_bytes), which keeps 64 bits.",
        "JSON numbers are floating-point for most readers: 53 bits are exact (RFC 8259 section 6).",
    ),
    "lost-characters": Advice(
        "Characters outside ASCII came back as spaces: the game writes with put_string.",
        "{messages} of {of:message} {messages:equals|equal} one of ours but for those characters, such as {example!r} "
        "(n={sent} sent)",
        "Use put_utf8_string and get_utf8_string.",
        "Text is not bytes: both sides must use the same encoding, and one that has all its characters.",
    ),
    "cut-off": _CUT_OFF,
    "cut-off/empty": _CUT_OFF._replace(
        what="This capture was cut off before anything was written: whether something had arrived cannot be known."
    ),
    "foreign-clock": Advice(
        "The game's messages carry its own clock, which cannot be subtracted from this one.",
        "{messages:message} with t_us of the other side",
        "Use it for jitter, which needs only its differences; for delay measure round trips, or estimate the offset "
        "and give its error.",
        "Two clocks differ by an unknown offset that drifts: their difference is not a delay.",
    ),
    "coarse-clock": Advice(
        "The game's clock counts whole milliseconds: jitter below one cannot be seen.",
        "all {messages} times are multiples of 1000 us",
        "Use Time.get_ticks_usec() instead of get_ticks_msec() * 1000.",
        "A measurement is no finer than the clock it was taken with.",
    ),
    "paused-sender": Advice(
        "This side sent no probes for {paused_s:.1f} s in {pauses:pause}: delays of that time are in no percentile.",
        "{share:.1%} of the time between the first and last of n={n} probes; a pause is {times} times the median "
        "interval and {least_s:g} s at least",
        "Was this program busy, the computer asleep, or does it wait for each answer before it asks again? In that "
        "case correct the percentiles: percentiles(values, expected_ms=the interval meant).",
        "A program that stops measuring while it is slow measures only the fast part (coordinated omission).",
    ),
    "few-samples": Advice(
        "{n:round trip} {n:is|are} few: {usable}, 99 % is not.",
        "n={n}; needed: {for_50} for the median, {for_95} for 95 %, {for_99} for 99 % (at least ten samples beyond)",
        "Capture longer: {for_99} probes take {seconds:.0f} s at {per_second} per second.",
        "A percentile is as good as the number of samples beyond it.",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "missing-numbers/unknown": (
        "before or in this capture; without the counter of its socket there is no telling which"
    ),
    "missing-numbers/here": "as many as this capture's own receive buffer dropped",
    "missing-numbers/partly": (
        "partly in this capture (see the gaps), the rest before it: on the path or at the sender"
    ),
    "missing-numbers/before": (
        "before it reached this capture, whose socket dropped none: on the path or at the sender"
    ),
    "few-samples/quantile": "the {percent:g} % quantile is usable",
    "few-samples/median": "the median is usable",
    "few-samples/none": "not even the median is usable",
}
