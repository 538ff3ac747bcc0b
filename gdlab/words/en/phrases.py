"""What a status is made of, in English."""

from __future__ import annotations

from typing import Final

#: What the status of a capture and the diagnosis of a wait are made of.
PHRASES: Final[dict[str, str]] = {
    "units": "s min h",
    "status": "{text}. To try: {hint}",
    "failed": "{address} failed: {error}",
    "failed/hint": "run the cell that called listen again; what had arrived is kept",
    "counts": "{messages}, {peers}, {dropped}",
    "messages": "{number:message}",
    "pings": " (and of pings: {pings:,} sent, {answers:,} came back)",
    "peers": "{number:peer}",
    "connections": "{number:connection}",
    "stopped": "stopped after {seconds:.1f} s, {names}: {counts}",
    "listening on": "listening on {names}",
    "connected to": "connected to {names}",
    "connecting to": "connecting to {names}",
    "sending to": "sending to {names}",
    "lan": " (open to the whole network)",
    "waiting": "{doing}{lan}, nothing received for {seconds:.0f} s",
    "running": "{doing}{lan}, {counts}, last heard {age} ago",
    "hint/ask": (
        "it answers only what it is sent: use .send(...). A Godot UDPServer must be polled in every frame"
    ),
    "hint/server": "is a server running at {host}, port {port}, and does it call poll() in every frame?",
    "hint/reach": "on other machines send to {host}, port {port} (a firewall may be in the way)",
    "hint/here": 'from another machine it cannot be reached unless you listen with host="lan"',
    "hint/udp": (
        "is the game running, and does it send to port {port} with {transport}? UDP gives no error when nobody "
        "listens; {reach}"
    ),
    "hint/stream": (
        "is the game running, does it connect to port {port} and call poll() in every frame? {reach}"
    ),
    "hint/silent": (
        "a peer has connected and has not sent anything: does the game call {call} in every frame? Without it the "
        "game's side stays in the state CONNECTING, although the connection is there"
    ),
    "hint/framing": ". What was sent may also be an incomplete message: see framing=",
    "hint/problem": "see what went wrong last: {problem}",
    "hint/incomplete": "what has arrived is not a whole message yet: wait, or choose another framing with "
    ".reframe(...)",
    "hint/opening": (
        "{peers} connected, and the WebSocket handshake is not complete: does the game call WebSocketPeer.poll() in "
        "every frame?"
    ),
    "hint/left": (
        "{peers} connected and left without a message: does the game send before it closes, and call poll() until "
        "that is done?"
    ),
    "incomplete": ", {held:byte} of a message {held:has|have} arrived",
    "incomplete/of": ", {held:byte} of a message of {whole:byte} {held:has|have} arrived",
    "bytes": "{number:byte}",
    "hint/loss": (
        "{drops:datagram} {drops:was|were} lost in this computer's receive buffer ({buffer} KiB), not on the network: "
        "send more slowly, or raise the system's limit (on Linux: sysctl net.core.rmem_max)"
    ),
    "hint/reply": "{problem} (so far {times:once|# times}, nothing was answered): fix it, then cap.set_reply(...)",
    "hint/pings": (
        'nothing answers the pings ({sent:,} sent, 0 answered): paste into the game what cap.gdscript("echo") writes'
    ),
    "this machine": "this machine's address",
    "wait": "{received} of {wanted} messages had arrived after {seconds:g} s. Now: {text}.",
    "wait/more": "{received} of {wanted} more messages had arrived after {seconds:g} s. Now: {text}.",
    "wait/try": "{said} To try: {hint}",
    "wait/stopped": (
        "{said} A stopped capture receives nothing more; its start() continues it, {anew} begins anew"
    ),
    "wait/slow": "{said} The game sends more slowly than that, or has ended; a longer timeout= waits longer",
    "none dropped": "0 dropped",
    "dropped/kernel": "{number:,} dropped by the kernel",
    "dropped/limit": "{number:oldest row} evicted (limit)",
    "and": ", ",
    "or": "; ",
    "marks/broken": "cannot be read: {why}",
    "marks/unknown": "nothing shows whether it was edited: hand in the .gdlab.json beside it as well",
    "marks/rows": "edited: {rows} rows here, but {told} were written",
    "marks/bytes": "edited: {bytes} bytes here, but {told} were written (saved again by a spreadsheet or an editor?)",
    "marks/backwards": "edited: time runs backwards at {rows} rows",
    "marks/sizes": "edited: {rows} payloads do not have the size that is stated",
    "marks/points": "edited: {points} points are stated, but the best answer has {best}",
    "marks/attempts": "edited: {attempts} attempts are stated, but {answers} answers are there",
    "marks/copied": "{share:.0%} in common with {file}",
    "roster/silent": "Is the game still running, and not paused? Has the laptop changed its network?",
    "roster/never heard": (
        "Does the game send to this computer's address and port, and is the code word in its messages? "
        "127.0.0.1 is the student's own machine; a firewall, or a guest network, may keep laptops apart."
    ),
    "no findings": (
        "No findings: nothing was recognised, which is not to say that all is well. Round trips need probes "
        '(ping=0.05, and a game that answers them), loss needs numbered messages (findings(seq="v.seq")), and Godot\'s '
        "high-level multiplayer has findings of its own (multiplayer().findings())."
    ),
}
