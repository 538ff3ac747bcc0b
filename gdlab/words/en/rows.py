"""Why a row is there, in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_NEXT_VALUE: Final = "; the next value is taken to begin at the next line feed or opening bracket"
_LENGTH: Final = (
    "the length {header} at byte {offset} of the stream announces {size} {size:byte|bytes}, the limit is {most} "
    "({limit})"
)


def _opened_by_client(fact: Mapping[str, Any]) -> str:
    chosen = f", sub-protocol {fact['subprotocol']}" if fact["subprotocol"] else ""
    page = f", from the page {fact['page']}" if fact["page"] else ""
    return f"{fact['said']}{chosen}{page}"


def _opened_by_us(fact: Mapping[str, Any]) -> str:
    again = f", attempt {fact['attempt']}" if fact["attempt"] > 1 else ""
    chosen = f", sub-protocol {fact['subprotocol']}" if fact["subprotocol"] else ""
    return f"from {fact['own']}{again}{chosen}"


def _evidence(fact: Mapping[str, Any], what: str) -> str:
    name, frames = fact["framing"], fact["frames"]
    sure = "" if fact["certain"] else "; not yet certain"
    protocol = f" ({fact['protocol']})" if fact["protocol"] else ""
    return f"framing {name}{protocol}: {frames} message{'' if frames == 1 else 's'} in a row, {what}{sure}"


#: One for each reason, or each case of it; what stands in braces is a value of the fact.
SENTENCES: Final[dict[str, str | Callable[[Mapping[str, Any]], str]]] = {
    "opened": "connected",
    "opened/ws": _opened_by_client,
    "opened/out": _opened_by_us,
    "opened/relay": "client {number}, onward to {server} from {own}",
    "opened/onward": "for client {number}, {client}",
    "peer_closed": "closed by the peer",
    "peer_closed/both": "closed by both sides",
    "peer_closed/code": lambda fact: f"closed by the peer: {fact['code']} {fact['said']}".rstrip(),
    "peer_closed/no_code": "closed by the peer: no code",
    "peer_closed/no_frame": "closed by the peer without a close frame (1006)",
    "peer_reset": "reset by the peer",
    "broken": "the connection broke: {said}",
    "we_closed": "closed here: {cause}",
    "we_closed/code": "closed here: {code} {cause}",
    "slow_reader": (
        "closed here: the peer does not read, {waiting} {waiting:byte waits|bytes wait} to be sent, the limit is "
        "{most} ({limit})"
    ),
    "slow_reader/all": (
        "closed here: this peer does not read, and more waits for it than for any other; {waiting} "
        "{waiting:byte waits|bytes wait} to be sent "
        "to all of them, the limit is {most} ({limit})"
    ),
    "held_too_much": (
        "closed here: all connections together hold {held} {held:byte|bytes} of messages that are not yet "
        "complete, the limit "
        "is {most} ({limit})"
    ),
    "stopped": "closed here: stopped",
    "internal": "closed: internal error in gdlab, {error}",
    "lingered": "the peer did not close its side",
    "refused_limit/relay": "not relayed: there {most:is one client|are # clients} already ({limit})",
    "refused_limit": "refused: {there} {there:connection is|connections are} open, the limit is {most} ({limit})",
    "refused_limit/system": (
        "refused: {there} {there:connection is|connections are} open, the limit is {most} on this system"
    ),
    "refused_origin": (
        "refused with HTTP {code}: the web page {said!r} may not connect; to let it in, listen with "
        "origins=[{said!r}]"
    ),
    "refused_origin/relay": "refused: the web page {said!r} may not connect through the relay",
    "refused_path": "refused with HTTP {code}: nothing is at {said!r}, this listener is at {path!r}",
    "refused_handshake": "refused: no WebSocket handshake, {said}",
    "refused_handshake/plain": (
        "refused: {said!r} is a plain HTTP request, as HTTPRequest sends it, not a WebSocket handshake: connect with "
        "WebSocketPeer, or listen on tcp:// to see requests"
    ),
    "refused_handshake/tls": (
        "refused: the client speaks TLS (wss://), which gdlab cannot read: use ws:// in the game"
    ),
    "refused_handshake/foreign": (
        "refused: no WebSocket handshake, it begins with the bytes {said}; for a game that uses StreamPeerTCP listen "
        "on tcp://"
    ),
    "refused_handshake/http": "refused with HTTP {code}: {said}",
    "handshake_timeout": "refused: the WebSocket handshake was not complete after {seconds:g} s",
    "handshake_timeout/out": (
        "connected, but no WebSocket handshake within {seconds:g} s; does the game call accept_stream() and poll()?"
    ),
    "handshake_cut/offered": (
        "the connection ended before the WebSocket handshake was complete; it was offered the sub-protocol "
        "{said}, and "
        "a Godot server that has none of these ends it like this: leave subprotocols= out, or set supported_protocols "
        "in the "
        "game"
    ),
    "subprotocol": (
        "no sub-protocol was agreed: the client offers {said}, this listener has {spoken}; Godot's client ends "
        "such a "
        "connection"
    ),
    "subprotocol/none": (
        "no sub-protocol was agreed: the client offers {said}, this listener was told to take none; Godot's client "
        "ends such a connection"
    ),
    "encrypted": (
        "the peer speaks TLS, which gdlab cannot read: turn it off in the game (tcp:// and ws:// in place of TLS and "
        "wss://)"
    ),
    "handshake_cut": "the connection ended before the WebSocket handshake was complete",
    "not_websocket": "the server does not speak WebSocket here, {said}",
    "out_of_files": "cannot accept connections: {there} {there:is|are} open ({said})",
    "connect_failed": "attempt {attempt} to connect: {cause}",
    "connect_failed/again": "attempt {attempt} to connect: {cause}; the next attempt in {pause_s:g} s",
    "nobody_listens": "nobody listens there; start the game first, and see that it listens on this port",
    "no_answer": "no answer within {seconds:g} s: another address, or a firewall in the way?",
    "unreachable": "nobody listens at {address}: a datagram was refused",
    "malformed/json_start": "{found} where a JSON value should begin" + _NEXT_VALUE,
    "malformed/json_comma": "a value begins where a comma or the end of the one before it should be",
    "malformed/json_depth": "arrays and objects nested deeper than {most}" + _NEXT_VALUE,
    "malformed/json_bracket": "{found} closes what was opened by another bracket" + _NEXT_VALUE,
    "malformed/json_string": "a line feed inside a string" + _NEXT_VALUE,
    "malformed/json_word": "a word that is not a JSON value" + _NEXT_VALUE,
    "malformed/ws": "{said}",
    "malformed/relay": "no WebSocket frames: what follows passes the relay unread",
    "oversized/frame": (
        "a frame of {size} {size:byte|bytes} at byte {offset} of the stream, the limit is {most} ({limit}); "
        "these are its first "
        "{kept}"
    ),
    "oversized/line": (
        "a line longer than the limit of {most} {most:byte|bytes} ({limit}); these are its first {kept}"
    ),
    "oversized/json": (
        "a JSON value longer than the limit of {most} {most:byte|bytes} ({limit}); these are its first {kept}"
    ),
    "oversized/text": _LENGTH + "; {text!r} is text: framing 'lines', 'json' or 'raw' may fit",
    "oversized/order": _LENGTH + "; the other byte order makes it {swapped}: framing {other!r} may fit",
    "oversized/lost": _LENGTH + "; the sender uses another framing, or lost its place",
    "oversized/relay": "a message longer than {most} {most:byte|bytes}: it passes the relay, but is not shown",
    "oversized/ws": "a message longer than the limit of {most} {most:byte|bytes} ({limit})",
    "not_utf8": "a text message is not UTF-8: {problem} at byte {at}",
    "incomplete/line": "the stream ended before the line feed",
    "incomplete/length": "the stream ended after {held} of the {size} {size:byte|bytes} of a length",
    "incomplete/frame": "the stream ended after {held} of {size} {size:byte|bytes}",
    "incomplete/json": "the stream ended inside a JSON value",
    "not_sent": "not sent: {cause}",
    "not_sent/many": "{count:message} {count:was|were} not sent: {cause}",
    "unframable/line_feed": "the payload holds a line feed and would be several lines; send them one by one",
    "unframable/fixed": "the payload has {size} {size:byte|bytes}, but {framing!r} sends exactly {exact}",
    "unframable/prefix": (
        "the payload has {size} {size:byte|bytes}, but the length field of {framing!r} ends at {most}"
    ),
    "too_big": "{size} bytes do not fit into one datagram ({most} at most)",
    "ending": "the connection is being closed",
    "ending/ended": "the connection has ended: {cause}",
    "system_error": "{said}",
    "unsent": "{count:byte} {count:was|were} not sent: {cause}",
    "reply_raised": "the reply function raised {error}",
    "malformed/cut": "at byte {offset} of the stream no frame of {framing} begins: {why}",
    "oversized/cut": (
        "a frame longer than the limit of {most} {most:byte|bytes} ({limit}) at byte {offset} of the stream"
    ),
    "incomplete/fragments": "the peer closed within a message in fragments, of which {held} {held:byte|bytes} had come",
    "incomplete/cut": "the stream ended after {held} {held:byte|bytes} of a frame",
    "unframable/separator": "the payload holds 0x{separator}, which ends a message; send it in parts",
    "framing_guessed/nothing": "framing {framing}: nothing has arrived",
    "framing_guessed/text": "kept raw: text without a line feed",
    "framing_guessed/controls": (
        "kept raw: it begins as text, but has control characters; if you know the framing, name it"
    ),
    "framing_guessed/unknown": (
        "kept raw: the first bytes fit no framing that can be told from them; if you know it, name it, or read the "
        "capture again with .reframe(...)"
    ),
    "framing_guessed/failed": (
        "kept raw: the framing that was guessed has failed, and the stream was read again from its first byte; "
        "{cause}"
    ),
    "framing_guessed/json": "framing json: it begins as a JSON value does",
    "framing_guessed/lines": "framing lines: the first bytes are text with line feeds",
    "framing_guessed/variants": lambda fact: _evidence(fact, "each a whole Variant"),
    "framing_guessed/lengths": lambda fact: _evidence(fact, "each with a length that fits"),
    "framing_guessed/separator": lambda fact: _evidence(fact, "each text up to its separator"),
    "framing_guessed/waiting": (
        "framing {framing}: a length of {waits_for} {waits_for:byte|bytes}, and a Variant that agrees with it so far"
    ),
    "framing_guessed/content_length": "framing content_length: header lines with a Content-Length",
    "framing_guessed/stomp": "framing nul: STOMP's frames, which end with a NUL",
    "framing_guessed/signalr": "framing signalr: JSON with the record separator 0x1e behind it, as SignalR sends it",
    "framing_guessed/tls": (
        "kept raw: the client speaks TLS, which gdlab cannot read: turn it off in the game (tcp:// and ws:// in "
        "place "
        "of TLS and wss://)"
    ),
    "framing_guessed/http": (
        "framing http: a request or an answer of HTTP; if a WebSocket client sent it, listen on ws:// instead"
    ),
    "framing_guessed/mqtt": "framing mqtt: MQTT packets, the first of them a CONNECT",
    "framing_guessed/stun": "kept raw: STUN, by which a program looks for its address",
    "framing_guessed/gzip": "kept raw: compressed by gzip; decompress it in a codec function of your own",
    "framing_guessed/wide": (
        "kept raw: UTF-16 or UTF-32; send UTF-8 (to_utf8_buffer() in GDScript, Encoding.UTF8 in C#)"
    ),
    "framing_guessed/resp": (
        "framing lines: RESP, the commands of Redis; each line is a row, and so is each line within a value"
    ),
    "framing_guessed/http2": "kept raw: HTTP/2, which gdlab does not take apart",
    "framing_guessed/ssh": "kept raw: SSH, a remote shell; gdlab reads nothing encrypted",
    "framing_guessed/zstd": "kept raw: compressed by Zstandard; decompress it in a codec function of your own",
    "may_not_fit": (
        "{count} bytes are more than the {most} that Godot receives unless the game has set a larger "
        "WebSocketPeer.inbound_buffer_size; otherwise it closes the connection with the code 1009"
    ),
    "probe": "a probe of the round-trip time",
    "malformed/udp_length": "the length in its UDP header cannot be: a receiver drops it",
    "malformed/seen": "{said}",
    "not_captured": "{count} {count:byte of the payload was|bytes of the payload were} not captured",
    "not_captured/stream": "{count} {count:byte of the stream was|bytes of the stream were} not captured",
    "close_seen": "{said}",
    "close_seen/code": lambda fact: f"{fact['code']} {fact['said']}".rstrip(),
    "capture_drop": "{count} {count:packet was|packets were} dropped by the capturing program",
    "compressed": "compressed (permessage-deflate), shown as it passes",
    "setting": "{change}",
    "idle": "silent for {seconds:g} s: the relay's socket for it was closed",
    "untold": (
        "{count} {count:row of the relay is|rows of the relay are} missing: this notebook was too busy to take "
        "{count:it|them}"
    ),
    "endpoint_failed": "endpoint stopped: {error}",
    "kernel_drop/relay": (
        "{count} {count:datagram|datagrams} dropped by the kernel: {count:it|they} came faster than the relay "
        "took them"
    ),
    "kernel_drop": (
        "{count} {count:datagram|datagrams} dropped by the kernel: the receive buffer of {buffer} "
        "{buffer:byte|bytes} was full"
    ),
    "evicted": (
        "{count} {count:row|rows} ({payload_bytes} payload {payload_bytes:byte|bytes}) dropped: the store keeps "
        "{keeps}; raise listen(limit=...) to keep more"
    ),
    "evicted/spilled": (
        "{count} {count:row|rows} ({payload_bytes} payload {payload_bytes:byte|bytes}) dropped: the store keeps "
        "{keeps}; what the spill has written "
        "of them is on the disk: gdlab.load({folder!r})"
    ),
    "paused": "stopped for {seconds:.1f} s, nothing was received",
    "skipped/frame": "{count} {count:byte|bytes} of the frame over the limit dropped",
    "skipped/ended": "{count} of {announced} {announced:byte|bytes} dropped; then the stream ended",
    "skipped/line": "{count} {count:byte|bytes} dropped up to the next line feed",
    "skipped/line_ended": "{count} {count:byte|bytes} dropped; the stream ended without a line feed",
    "skipped/json": "{count} {count:byte|bytes} of the value over the limit dropped",
    "skipped/after": "{count} {count:byte|bytes} that came after the end of the connection {count:was|were} not read",
    "spill_missed": (
        "{count} {count:row|rows} ({payload_bytes} payload {payload_bytes:byte|bytes}) dropped: the store keeps "
        "{keeps}; that was before the disk had "
        "taken {count:it|them}; raise listen(limit=...) to bridge a slow disk for longer"
    ),
}

#: What a number of rows of each reason is called in a list of counters.
COUNTED: Final[dict[str, str]] = {
    "opened": "connections opened",
    "peer_closed": "connections closed by the peer",
    "peer_reset": "connections reset by the peer",
    "broken": "connections that broke",
    "we_closed": "connections closed for what the peer sent",
    "slow_reader": "connections closed because the peer did not read",
    "held_too_much": "connections closed for incomplete messages",
    "stopped": "connections ended by stop",
    "internal": "connections ended by an error in gdlab",
    "lingered": "connections not ended by the peer in time",
    "refused_limit": "connections refused (too many)",
    "refused_origin": "web pages refused",
    "subprotocol": "sub-protocols not agreed",
    "encrypted": "peers that speak TLS",
    "refused_path": "connections refused (wrong path)",
    "refused_handshake": "connections refused (no WebSocket handshake)",
    "handshake_timeout": "WebSocket handshakes not complete in time",
    "handshake_cut": "connections ended during the WebSocket handshake",
    "not_websocket": "servers that do not speak WebSocket",
    "out_of_files": "connections refused (the system has no more)",
    "connect_failed": "attempts to connect that failed",
    "nobody_listens": "attempts to connect where nobody listens",
    "no_answer": "attempts to connect without an answer",
    "unreachable": "datagrams nobody listened for",
    "malformed": "malformed messages",
    "oversized": "messages over the limit",
    "not_utf8": "text messages that are not UTF-8",
    "incomplete": "messages cut off by the end of the stream",
    "not_sent": "messages not sent",
    "unframable": "messages the framing cannot carry",
    "too_big": "messages too big for a datagram",
    "ending": "messages for a connection that is ending",
    "system_error": "errors of the system",
    "unsent": "ends with unsent bytes",
    "reply_raised": "failures of the reply function",
    "framing_guessed": "framings guessed",
    "may_not_fit": "messages that may not fit",
    "probe": "probes of the round-trip time",
    "not_captured": "payloads not captured whole",
    "close_seen": "close frames recorded",
    "capture_drop": "drops by the capturing program",
    "compressed": "compressed messages, not inflated",
    "setting": "changes of a relay's conditions",
    "idle": "clients that fell silent",
    "untold": "stretches of rows that a busy notebook missed",
    "endpoint_failed": "endpoints that failed",
    "kernel_drop": "drops by the kernel",
    "evicted": "evictions (limit)",
    "paused": "pauses",
    "skipped": "stretches of skipped bytes",
    "spill_missed": "rows missed by the spill",
}
