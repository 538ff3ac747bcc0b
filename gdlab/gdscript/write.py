"""Which parts make the script for a target."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from gdlab.errors import GdscriptError
from gdlab.framing import NAMES, check_name
from gdlab.gdscript.compose import compose
from gdlab.gdscript.script import Script

#: What a script does: sends and prints what comes back; answers pings and echoes; measures round trips itself;
#: sends from a web export.
Kind: TypeAlias = Literal["send", "echo", "probe", "web"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)

#: What a script sends: text, JSON text, Variants, bytes laid out by hand; ``auto`` goes by the framing.
Codec: TypeAlias = Literal["auto", "text", "json", "variant", "bytes"]
CODECS: Final[tuple[str, ...]] = get_args(Codec)

_PARTS: Final = Path(__file__).parent / "parts"

#: How a message goes out: by transport, and by what it is.
_PUT: Final = {
    "udp": {
        "text": "{0}.put_packet({1}.to_utf8_buffer())",
        "variant": "{0}.put_var({1})",
        "bytes": "{0}.put_packet({1})",
    },
    "tcp": {"text": "{0}.put_text({1})", "variant": "{0}.put_var({1})", "bytes": "{0}.put_packet({1})"},
    "ws": {"text": "{0}.send_text({1})", "variant": "{0}.put_var({1})", "bytes": "{0}.put_packet({1})"},
}
#: Framings that are a function of Godot's StreamPeer, and what that takes.
_NATIVE: Final = {"put_var": "variant", "put_string": "text", "put_utf8_string": "text"}

#: Framings of other programs, whose game's side Godot has no call for.
_NOT_WRITTEN: Final = frozenset({"variants", "varint", "nul", "signalr", "content_length", "http", "mqtt"})

#: Codecs that a framing can carry, the usual one first; the framings that are not here carry all.
_ALL: Final = ("json", "text", "variant", "bytes")
_CARRIED: Final[dict[str, tuple[str, ...]]] = {
    "put_var": ("variant",),
    "put_string": ("text", "json"),
    "put_utf8_string": ("text", "json"),
    "lines": ("text", "json"),
    "json": ("json",),
    "fixed": ("bytes",),
}

#: For the framing that the listener finds out: which framing a codec is sent in, so that the first bytes tell it.
_AUTO_FRAMING: Final = {
    "json": "json",
    "text": "lines",
    "variant": "put_var",
    "bytes": "packet_peer_stream",
}

#: Further parts of a kind.
_HELPERS: Final = {
    "send": (),
    "echo": ("kinds/pong", "kinds/probe"),
    "probe": ("kinds/measure", "kinds/probe"),
}

_UNSIGNED: Final = {1: "u8", 2: "u16", 4: "u32"}

#: The shortest message that holds a number of 4 bytes and a time of 8.
_NUMBER_AND_TIME_BYTES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a script is to speak with.

    Attributes
    ----------
    transport : ``udp``, ``tcp`` or ``ws``.
    host : what the game connects to, or binds: an IP address, a name, or ``*``.
    port, path : of the address; only WebSocket has a path.
    shown : the address as gdlab shows it, for comments.
    framing : of TCP, a name of `gdlab.framing.NAMES`.
    subprotocols : of WebSocket, those that gdlab speaks.
    game_listens : gdlab is the client and the game the server.
    on_lan : other machines can reach gdlab at `host`.
    """

    transport: str
    host: str
    port: int
    path: str = ""
    shown: str = ""
    framing: str = "auto"
    subprotocols: tuple[str, ...] = ()
    game_listens: bool = False
    on_lan: bool = False


def write(target: Target, kind: str = "send", codec: str = "auto") -> Script:
    """The script for the game's side of an endpoint.

    Parameters
    ----------
    kind : one of `KINDS`.
    codec : one of `CODECS`: what it sends, and expects to get.

    Raises
    ------
    GdscriptError : no such kind or codec, or a game cannot do that; the message says what it can.
    """
    _check(target, kind, codec)
    web, kind = kind == "web", "send" if kind == "web" else kind
    role = "server" if target.game_listens else "client"
    framing, codec = _settled(target, kind, codec)
    message_bytes = int(framing.partition(":")[2] or _NUMBER_AND_TIME_BYTES)
    parts = [
        f"notes/{kind}_{role}",
        *_notes(target, framing, web=web),
        f"links/{target.transport}_{role}",
        f"kinds/{kind}_{role}",
        *_HELPERS[kind],
        # As gdlab pings: only where every message is a Variant, its pings are.
        f"kinds/said_{'variant' if framing.startswith('put_var') else 'json'}",
        f"codecs/{'few_bytes' if message_bytes < _NUMBER_AND_TIME_BYTES else codec}",
    ]
    constants = {
        "HOST": _literal(target.host),
        "PORT": str(target.port),
        "URL": _literal(_url(target)),
        "PROTOCOLS": json.dumps(list(target.subprotocols), ensure_ascii=False),
        "MESSAGE_BYTES": str(message_bytes),
        "SIZE": str(message_bytes),
    }
    names = {
        "ADDRESS": _plain(target.shown),
        "FRAMING": f'framing="{framing}"',
        "PEER": {"udp": "PacketPeerUDP", "tcp": "MessageStream", "ws": "WebSocketPeer"}[target.transport],
    }
    if target.transport == "tcp":
        part, more_constants, more_names = _framing(framing)
        parts.append(f"framings/{part}")
        constants |= more_constants
        names |= more_names
    conditions = {"protocols"} if target.subprotocols else set()
    if kind == "echo" and role == "server":
        names["delta"] = "_delta"
    else:
        conditions.add("speaks")
    text = compose(
        map(_part, parts),
        base="Node",
        constants=constants,
        names=names,
        macros=_macros(target.transport, framing, codec),
        conditions=frozenset(conditions),
    )
    return Script(text)


def _macros(transport: str, framing: str, codec: str) -> dict[str, str]:
    """How messages of the codec, probes, and messages that came go out."""
    forms = dict(_PUT[transport])
    native = framing.removesuffix("_be")
    if native in _NATIVE:
        forms[_NATIVE[native]] = f"{{0}}.stream.{native}({{1}})"
    macros = {
        "_put": forms["text" if codec == "json" else codec],
        "_put_probe": forms["variant"]
        if native == "put_var"
        else forms["text"].replace("{1}", "JSON.stringify({1})"),
    }
    if transport != "ws":  # which must ask in which form it came
        macros["_put_back"] = forms["bytes"]
    return macros


def _check(target: Target, kind: str, codec: str) -> None:
    if kind not in KINDS:
        raise GdscriptError(f"no kind of script is called {kind!r}; there are {', '.join(KINDS)}")
    if codec not in CODECS:
        raise GdscriptError(f"no GDScript is written for codec={codec!r}, only for {', '.join(CODECS)}")
    check_name(target.framing)
    if target.transport == "tcp" and target.framing.partition(":")[0] in _NOT_WRITTEN | {
        name for name in NAMES if NAMES[name].startswith("registered")
    }:
        raise GdscriptError(
            f"gdlab writes no game's side of the framing {target.framing!r}: frame the bytes in the game and send them "
            'with StreamPeerTCP.put_data(), or choose another framing, such as "u32le" or "put_var"'
        )
    if kind != "web":
        return
    if target.transport != "ws":
        raise GdscriptError(
            f"a game in a browser cannot send {target.transport.upper()}, only WebSocket: listen with "
            f'gd.listen("ws://127.0.0.1:{target.port}") and ask that capture'
        )
    if target.game_listens:
        raise GdscriptError(
            "a game in a browser cannot listen, so gdlab cannot connect to it: let the game come to gdlab, with "
            f'gd.listen("ws://127.0.0.1:{target.port}")'
        )


def _settled(target: Target, kind: str, codec: str) -> tuple[str, str]:
    """Framing and codec of a script; the framing is empty where there is none."""
    if target.transport != "tcp":
        return "", "json" if codec == "auto" else codec
    framing = target.framing
    if framing == "auto":
        codec = "json" if codec == "auto" else codec
        framing = _AUTO_FRAMING[codec]
    family = framing.partition(":")[0].removesuffix("_be")
    carried = _CARRIED.get(family, _ALL)
    if target.framing == "auto" and target.game_listens and kind == "echo":
        raise GdscriptError(
            'a game that answers waits for the first message, and gdlab sends that without any framing while "auto" '
            'has seen nothing of the game: name one, such as gd.connect(..., framing="lines")'
        )
    if codec == "auto":
        codec = carried[0]
    if codec not in carried:
        raise GdscriptError(
            f'framing="{framing}" cannot carry codec="{codec}", only {" or ".join(carried)}; for others listen with '
            'a framing that carries all, such as "packet_peer_stream"'
        )
    if kind == "probe" and family in {"raw", "fixed"}:
        why = (
            "tells no messages apart, and two probes that are read at once are none"
            if family == "raw"
            else "has messages of one length, and probes are text of 50 to 120 bytes"
        )
        raise GdscriptError(
            f'framing="{framing}" {why}; to measure round trips use "lines", "json" or a length prefix'
        )
    return framing, codec


def _framing(framing: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """Part, constants and names for a framing of TCP."""
    family = framing.partition(":")[0].removesuffix("_be")
    if family in {"lines", "json"}:
        return "lines", {}, {}
    if family == "packet_peer_stream":
        return "packets", {}, {}
    if family in {"raw", "fixed"}:
        return family, {}, {}
    big_endian = framing.endswith("be")
    header_bytes = 1 if family == "u8" else 2 if family.startswith("u16") else 4
    unsigned = _UNSIGNED[header_bytes]
    names = {"get_u32": f"get_{unsigned}", "put_u32": f"put_{unsigned}"}
    return "prefix", {"HEADER_BYTES": str(header_bytes), "BIG_ENDIAN": str(big_endian).lower()}, names


def _notes(target: Target, framing: str, *, web: bool) -> list[str]:
    """Remarks at the top of a script."""
    notes = []
    if web:
        notes.append("notes/web")
    if target.on_lan and not target.game_listens:
        notes.append("notes/lan")
    if target.transport == "tcp" and target.framing == "auto":
        notes.append("notes/auto")
    if framing.startswith("put_string"):
        notes.append("notes/ascii")
    return notes


def _url(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"ws://{host}:{target.port}{target.path}"


def _literal(text: str) -> str:
    """A String of GDScript, which is written as one of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    """Text that cannot leave the comment that it stands in."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


@cache
def _part(name: str) -> str:
    return (_PARTS / f"{name}.gd").read_text(encoding="utf-8")
