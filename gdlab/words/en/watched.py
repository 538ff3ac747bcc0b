"""What findings report about a watched game, in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

_STOOD_STILL: Final = Advice(
    "The game stood still for {seconds:.1f} s in a break{place}.",
    "{breaks:break}, {all_ms:.0f} ms in all; reason of the longest: {because}",
    "Peers give up a game that is silent for 5 s. Fix the error that stops it; a breakpoint stops it only while a "
    "debugger is connected.",
    "A program in a break answers nobody, and its peers cannot tell that from a dead network.",
)
_SCRIPT_ERROR: Final = Advice(
    "A script of the game failed {errors:once|# times} at {file}:{line}: {text}",
    "{places:place}; {tied} of {errors:error} {tied:follows|follow} a single packet within a frame",
    "The function ends at that line: what it should have sent or answered is missing. See watch.log for the stack.",
    "An error ends a function, not the game: what is missing afterwards looks like loss.",
)

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "stood-still": _STOOD_STILL,
    "stood-still/short": _STOOD_STILL._replace(
        what="The game stopped {breaks:once|# times} in breaks, for {longest_ms:.0f} ms at the longest{place}."
    ),
    "slow-game-frame": Advice(
        "The round trip rose to {rtt_ms:.0f} ms because the game's frame took {stall_ms:.0f} ms (frame {number} of "
        "{game}): that is not the network.",
        "{slow} of {trips} long round trips (usual {usual_ms:.1f} ms) lie over slow frames, {frames} of them; the "
        "frames explain {explained_ms:.0f} ms of each (median)",
        'Look at what the game does in that frame: watch.profile("functions"), then watch.functions, names the '
        "GDScript that is slow.",
        "A game answers between two frames: as long as one lasts, every message waits.",
    ),
    "script-error": _SCRIPT_ERROR,
    "script-error/places": _SCRIPT_ERROR._replace(
        what="A script of the game failed {errors:once|# times}, {here:once|# times} of them at {file}:{line}: {text}"
    ),
    "packet-refused": Advice(
        "The game refused packets of its peers {errors:once|# times}: {text}",
        "{different:different error} while the network was polled; {tied} of {errors:error} {tied:is|are} tied to "
        "{packets:packet}",
        "Look at the packets named, and whether both sides then have the same nodes, scripts and authorities.",
        "That a packet arrived does not mean that it was understood.",
    ),
    "output-cut": Advice(
        "Output of the game was cut by the engine: the watch does not show all that it printed or reported.",
        "{notices:notice} of the engine: {texts:; }",
        "Print less in each frame, or raise network/limits/debugger/* in the project's settings.",
        "What a program reports of itself goes through limits, too: count what they cut.",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "stood-still/at": " at {file}:{line}",
    "stood-still/asked": "asked for by the debugger",
}
