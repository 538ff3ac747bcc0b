"""What is wrong with what a call was given, in English."""

from __future__ import annotations

from typing import Final

#: By the key of a `Statement`.
USAGE: Final[dict[str, str]] = {
    "format/order": "{text!r}: '@' differs between machines; begin with '<', as Godot writes, or '>'",
    "format/field": (
        "{piece!r} in {text!r} is not a field; a field is a code of Python's struct and a name: \"<B type, H seq, 3f "
        'pos"'
    ),
    "format/name": '{piece!r} in {text!r} has no name; write "<B type, H seq, 3f pos"',
    "format/twice": "{text!r} has two fields {name!r}",
    "format/many": "{piece!r} in {text!r}: 1 to {most} values of a name, and as many names",
    "format/empty": '{text!r} names no field; write "<B type, H seq, 3f pos"',
    "format/names": "the format {text!r} has the names {names:, }, not {given:, }",
    "format/values": "the format {text!r} takes {takes} values, for {names:, }",
    "format/value": "{value} does not fit {name!r} of the format {text!r}: {why}",
    "format/hint": (
        'the field {name!r} of {of} does not state how it is packed; write {name}: Annotated[..., "H"] with a '
        "code of Python's struct"
    ),
    "format/type byte": "the type byte {byte} is not a number from 0 to 255",
    "codec/unknown": (
        'there is no codec {codec!r}; it is one of auto, {known:, }, a struct format such as "<B type, H seq, 3f '
        'pos", or a function of the payload'
    ),
    "codec/kind": "a codec is a name, a format or a function of the payload, not {type}",
    "codec/bytes": 'codec="bytes" sends bytes as they are, but this is {type}',
    "osc-writing/form": (
        'OSC is sent as {{"address": "/cube/pos", "args": [1, 2.5]}} or {{"elements": [...]}}, but this is {type}'
    ),
    "osc-writing/address": "an address of OSC is text that begins with '/', but this is {address}",
    "osc-writing/argument": (
        "OSC has no argument for {type}: numbers of 64 bits at most, text, bytes, lists, True, False, None"
    ),
    "osc-writing/nul": "text in OSC ends at a NUL, so it cannot hold one: send it as bytes",
    "codec/unwritten": (
        'no codec that writes is called {codec!r}; there are auto, {known:, } and struct formats such as "<B '
        'type, H seq, 3f pos"'
    ),
}
