"""What findings report about a game's multiplayer traffic, in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "enet-throttle": Advice(
        "The ENet of {who} itself threw away {missing:,} of {numbered:unreliable packet}; the network had no part in "
        "it{rose}.",
        "{missing:gap} in the numbers of unreliable packets at the place nearest the sender, where all "
        "{reliable:reliable command} passed in order",
        "Send less that is unreliable while the round trip rises, or keep ENet from throttling: "
        "ENetPacketPeer.throttle_configure(interval, acceleration, deceleration) with deceleration 0. "
        "get_statistic(PEER_PACKET_THROTTLE) shows it from inside: 32 is open, 0 sends nothing unreliable.",
        "ENet takes a growing round trip, even if the other side was only slow for a moment, for a full line, and "
        "sends fewer unreliable packets for up to five seconds. That is loss without a lossy network.",
    ),
    "lost-before-capture": Advice(
        "{missing:,} of {numbered:unreliable packet} of {who} never came to where the capture was made: lost on the "
        "way to it, or thrown away by the sender's ENet.",
        "{told}",
        "Capture on the sender's machine, or put gd.relay beside it: what is missing there was never sent.",
        "A gap in numbers shows that something is missing, and the place of the capture shows where.",
    ),
    "network-loss": Advice(
        "The network lost {parts: and }.",
        "{counts:; }; {gone:unreliable packet} {gone:is|are} gone for good",
        "Reliable calls are repeated by ENet and come late; unreliable ones must be such that the next makes up for a "
        "lost one.",
        "Loss on the way shows between two places of capture, never at one alone.",
    ),
    "stood-still/peer": Advice(
        "{who:capital} sent nothing for {seconds:.1f} s while {other} kept asking; {end}.",
        "{repetitions:repetition} in that time, of one command {tries:,} with waits that double",
        "Was it in a debugger break, loading, or suspended? A break, even one at a script error, stops the "
        "network, too; an ENet peer is given up after 5 to 30 s without an answer.",
        "ENet repeats with waits that double, and gives up a peer that stays silent.",
    ),
    "slow-side": Advice(
        "{who:capital} answered late for about {seconds} s: {worst_ms:.0f} ms instead of {usual_ms:.0f}. Its frames "
        "were long; the way was not.",
        "medians of each second: {least_ms:.0f} to {worst_ms:.0f} ms by {who}, {other_ms:.0f} ms at most by the other "
        "side in the same seconds",
        "Look at what {who} did then: loading, a busy machine, a lower frame rate.",
        "A game reads the network once per frame, so a long frame looks like a long way, for one side only.",
    ),
    "bandwidth-hog": Advice(
        "{node}.{method} is {share:.0%} of the RPC bytes ({size:kB} of {total:kB}, {per_second:.0f} calls per second); "
        "on the wire it takes {wire:kB}.",
        "n = {calls:call} of {mean:.0f} bytes on {path}",
        "Send only what changed, less often, or as packed arrays; gd.sizes(value, as_rpc=...) shows what a call costs.",
        "Few methods make most of the traffic: measure before making any of them smaller.",
    ),
    "broadcast": Advice(
        "{method} goes to {peers:.0f} peers at a time: the editor shows {shown:kB}, {sent:kB} were sent.",
        "{packets:packet} for {calls:call} on {path}",
        "Count with the number of players: what is fine with two costs four times as much with eight.",
        "There is no broadcast on the internet: rpc() to n peers is n packets, and the profiler counts one.",
    ),
    "relayed-by-server": Advice(
        "{calls:call} of {clients:client} {calls:was|were} meant for other clients: each goes up to the server and "
        "down again, one packet per receiver, and no profiler counts the way down.",
        "{up:kB} up in relay packets, {down:kB} down",
        "Call the server only (rpc_id(1, ...)) and let it pass the news to the others once.",
        "Clients do not reach each other: what one sends to n others is n packets up and n down.",
    ),
    "small-calls": Advice(
        "{who:capital} makes about {per_frame:.0f} calls per frame in as many datagrams: {headers:.0f} of {whole:.0f} "
        "bytes of each are headers.",
        "n = {calls:call} of {size:.1f} bytes, {frames:frame} with {many} or more",
        "Gather what a frame has to send and send it as one call with an array.",
        "Every RPC is a datagram of its own: 38 bytes of headers, however short it is.",
    ),
    "unreliable-fragments": Advice(
        "A call of {size:kB} travels unreliably in {pieces:fragment}: at {at} {failing:.0%} of such calls fail.",
        "{calls:unreliable call} above 1364 bytes, the largest {path}.{method}",
        "Send it reliably, or in parts that are useful by themselves.",
        "One lost fragment loses the whole packet: n fragments fail n times as often.",
    ),
    "path-unconfirmed": Advice(
        "{path} exists on one side only: {missing} never confirmed it. {extra}",
        "no confirm_path in the {seconds:.1f} s in which {missing} went on talking",
        "Add the node on {missing} before it is called, under the same name and parent: a MultiplayerSpawner does "
        'that, for late joiners, too. Its errors: "Node not found", "Failed to get path from RPC".',
        "An RPC finds its node by path: both sides need the same tree, at the time of the call.",
    ),
    "automatic-name": Advice(
        "{name} is an automatic name: {path} is another node, or none, on the other side.",
        "the name begins with @",
        "add_child(node, true) makes a readable name, or set node.name before adding it; on both sides the same.",
        "Names the engine makes up differ from process to process.",
    ),
    "rpc-lists-differ": Advice(
        "The two sides have different RPC methods on {node}: calls run another method{told}.",
        'the other side answered the path {path} with "not the same methods", or sent another MD5 of its own',
        "Give both sides the same script, or at least the same list of @rpc functions, base scripts included. Update "
        "server and clients together.",
        "A method travels as its place in the sorted list of names; one extra name shifts all that follow.",
    ),
    "not-allowed": Advice(
        "Ignored: {node}.{method} from {sender}: only the authority {authority} may call it.",
        "the receiver's own error; {calls:such call} in the packets",
        '@rpc("any_peer") lets others call it; then check multiplayer.get_remote_sender_id() in it. Or give the node '
        "to its player with set_multiplayer_authority.",
        "By default only a node's authority may call its RPCs; the caller gets no word that it was ignored.",
    ),
    "state-too-big": Advice(
        "The state of {path} is {size} bytes, and the limit {most}: it is not sent at all.",
        "the sender's own error; nothing of it is in the packets",
        "Send less always, more on change, or raise SceneMultiplayer.max_sync_packet_size (above the MTU packets are "
        "fragmented).",
        "What does not fit one sync packet is left out, and only the sender's log shows it.",
    ),
    "empty-sync": Advice(
        "{empty:sync packet} {empty:was|were} empty: a state that nearly fills the limit of 1350 bytes sends one in "
        'front of itself each time, and the receiver reports "Invalid sync packet received".',
        "3 bytes each; {full:sync packet} of up to {largest} bytes beside them",
        "Make the state smaller than 1340 bytes. It is an error of the engine and does no other harm.",
        "Limits include headers that nobody sees.",
    ),
    "sync-not-counted": Advice(
        "The editor shows {share:.0%} of the bytes of your synchronizers: what is sent on change is never counted.",
        "{shown:,} of {total:byte} of values; most of the rest is {most}",
        "Use the numbers of summary() instead of the network profiler's.",
        "Deltas go reliably and outside of what the profiler looks at.",
    ),
    "spawn-sent-twice": Advice(
        "{spawns:spawn} {spawns:was|were} followed by a delta with the same values ({size:kB}).",
        "each first delta of a spawned synchronizer, equal to values of its spawn",
        "This is how the engine treats on-change properties; take them out of the spawn (spawn = off) where it "
        "matters.",
        "A synchronizer sends all its on-change properties once, also what the spawn has carried already.",
    ),
    "sender-frame-rate": Advice(
        "{who:capital} runs at {fps:.0f} frames per second.",
        "the counter of its sync packets made {frames:step} in {seconds:.1f} s",
        "Nothing leaves between frames: a slow sender updates the others no faster than it draws.",
        "The frame rate of the other side is on the wire.",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "who/server": "the server",
    "who/client": "client {number}",
    "who/address": "the client {peer}",
    "enet-throttle/rose": "; the round trip, per second, rose from {low_ms:.0f} to {high_ms:.0f} ms",
    "lost-before-capture/late": (
        "{late:,} of {reliable:reliable command} first came behind a later one: the way to here loses packets"
    ),
    "lost-before-capture/few": "only {reliable:reliable command} passed, too few to know",
    "network-loss/to": "{share:.0%} to {who}",
    "network-loss/from client": "from the client {lost:,} of {seen:datagram}",
    "network-loss/from server": "from the server {lost:,} of {seen:datagram}",
    "stood-still/answered": "then {who} answered again",
    "stood-still/gave up": "{other} gave up {seconds:.1f} s after it had last heard of it",
    "unreliable-fragments/measured": "the loss measured here ({percent:.1f} %)",
    "unreliable-fragments/assumed": "{percent:.0f} % loss",
    "path-unconfirmed/calls": "{calls} of its calls failed there, each with {path_bytes:byte} of path.",
    "path-unconfirmed/syncs": "Nothing of a synchronizer without a partner is ever sent.",
    "rpc-lists-differ/lists": " ({one}: {first:, }; {other}: {second:, }): {wrong:, }",
    "rpc-lists-differ/one": "one side",
    "rpc-lists-differ/other": "the other",
    "rpc-lists-differ/runs": "{method} runs {other}",
    "rpc-lists-differ/nothing": "{method} runs nothing",
}
