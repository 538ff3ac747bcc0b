"""Why something cannot be read, in English."""

from __future__ import annotations

from typing import Final

#: By the key of a `Statement`.
STATEMENTS: Final[dict[str, str]] = {
    # ---- framings
    "framing/own": "{name!r} is a framing of gdlab's own; choose another name",
    "framing/name": "{name!r} cannot name a framing: use letters, digits, points, hyphens and underscores",
    "framing/named": "{name!r} has a name already; register a function, or an object with a method cut()",
    "framing/kind": "a framing is a name, a function of the bytes, or an object with a method cut(), not {type}",
    "framing/auto": "'auto' is not a framing until it has seen some bytes; `StreamReader` detects it",
    "framing/auto sends": "'auto' can only receive; send with a framing by name, such as the framer's own `name`",
    "framing/fixed": "{name!r}: 'fixed' needs the length of the frames in bytes, such as 'fixed:24'",
    "framing/near": (
        "no framing is called {name!r}; did you mean {near: or }? There are {known:, } (as in 'fixed:24')"
    ),
    "framing/unknown": "no framing is called {name!r}; there are {known:, } (as in 'fixed:24')",
    "framing/length": (
        "frames of {size:byte} are impossible: the length must be at least 1 and at most {most} (max_frame_bytes)"
    ),
    "framing/limit": "max_frame_bytes is {most}, but must be at least 1",
    "framing/ended": "receive_data() after end(): one framer serves one connection",
    "cut/varint": "a length of more than five bytes",
    "cut/mqtt": "no packet of MQTT begins with {byte:#04x}",
    "cut/mqtt length": "no packet of MQTT has a length of more than four bytes",
    "cut/mqtt topic": "a topic longer than its packet",
    "cut/mqtt ping": "a ping of MQTT has no body",
    "cut/variant": "no Variant begins here",
    "cut/header end": "header lines without an end",
    "cut/header length": "header lines without a Content-Length",
    "cut/inclusive": "a length of {length}, which does not even count its own {header:byte}",
    # ---- replays
    "replay/late answer": (
        "peer {peer}: {wanted} messages of the other side were to come first, and {had} had after {seconds:g} s"
    ),
    "replay/no peer": "peer {peer} could not be played: {why}",
    "replay/nobody": "nobody connected within {seconds:g} s",
    # ---- files
    "load/no packet": (
        "{path} is a packet capture without one whole packet: {why:; }. Expected: pcap or pcapng as tcpdump, "
        "Wireshark or gdlab write them. Capture or copy it again"
    ),
    "load/can read": (
        "gdlab reads its CSV and Parquet files, spill folders, and pcap and pcapng files of any program, also "
        "compressed with gzip, zstd or lz4"
    ),
    "load/folder": "{path} is a folder without a spilled capture. {can_read}",
    "load/device": "{path} is not an ordinary file (a pipe or a device). Save its output as a file. {can_read}",
    "load/missing": "there is no file {path}; the current folder is {folder}",
    "load/unreadable": "{path} cannot be read: {why}. Give a file that you may read",
    "load/empty": "{path} is empty: not even a header was written. {can_read}; write the file again",
    "load/foreign": "{path} is not a file that gdlab knows. {can_read}{guess}",
    "load/zip": "; this one is a zip archive, perhaps a spreadsheet: unpack it, or export it as CSV from gdlab again",
    "load/json": "; this one looks like JSON: if it is a sidecar, give the CSV or Parquet file beside it",
    "load/csv": "; this one may be a CSV of another program: read it with pandas.read_csv",
    "load/csv missing": "; this one has columns of a capture, but not {columns:, }: export it with all of them",
    "load/csv twice": (
        "; this one has columns of a capture, but more than one {columns:, }: it is not clear which of them is meant"
    ),
    "load/by tshark": "tshark opened this file and found the IP packets in it; what is around them is not known",
    "load/tshark": "{path} cannot be read by tshark: {why}. Give a packet capture that Wireshark opens",
    "load/no tshark": (
        "{path}: there is no tshark here. It comes with Wireshark (on Debian and Ubuntu: apt install tshark); without "
        "it, save the capture as pcapng in Wireshark"
    ),
    "load/ask tshark": (
        "; if it is a packet capture in another format, tshark (of Wireshark) is used where it is installed: "
        "otherwise save it as pcapng there"
    ),
    "load/rows": (
        "{path} has {size} bytes and would be {rows} rows: no capture compresses that well, as the times of its rows "
        "differ. It was made to fill the memory, and is not read"
    ),
    "load/memory": (
        "{path} has {size} bytes and would take {needed} MiB of memory; gdlab reads up to {most} MiB of a file of this "
        "size. Split it where it was made"
    ),
    "load/too large": (
        "{path} has {size} MiB and as a table would take about {needed} MiB of memory, of which {free} MiB are free. "
        "{way}"
    ),
    "load/by pieces": "gd.dataset({path}) reads it in pieces",
    "load/unpack": "Unpack it; gd.dataset({path}) then reads it in pieces",
    "load/no columns": "{path} has no columns of a capture",
    "load/csv damaged": (
        "{path} is damaged: {why}. Expected: the CSV as gdlab wrote it. Take the original file; if a spreadsheet saved "
        "this one, export it again and open a copy there"
    ),
    "load/csv cut": (
        "{path} was cut short: its last line does not end. Expected: a line feed at the end. Copy or download the file "
        "again; to use what is there, delete the part of a line at its end"
    ),
    "load/encoding": "byte {at} is not {encoding}: a program saved it in an old encoding; save it in UTF-8",
    "load/zeros": "there are zeros in it",
    "load/cells": "row 1 has {cells} cells, and there are {columns} columns",
    "load/fewer": "row {row} has fewer cells than there are columns",
    "load/code": "a code is beyond 2**31 - 1",
    "load/row": "row {row}: {why}",
    "load/form": "row {row}: {column} is {form!r}, not 'text' or 'hex'",
    "load/time": (
        "not a time such as 2023-11-14T22:13:20.000000000Z: {cell!r} (a spreadsheet shows times in its own way, and "
        "saves them as it shows them)"
    ),
    "load/time why": "not a time such as 2023-11-14T22:13:20.000000000Z: {cell!r} ({why})",
    "load/time years": "not a time such as 2023-11-14T22:13:20.000000000Z: {cell!r} (the years are 1677 to 2262)",
    "load/integer": "not a whole number: {cell!r}",
    "load/rounded": "the payload was taken for a number, whose last digits are lost: {cell!r}",
    "load/exponent": (
        "the payload was taken for a number, and most of its digits are lost: {cell!r} (open the file with the "
        "spreadsheet's text import, with the column payload as text)"
    ),
    "load/value": "{column} is {cell!r}, which is not one of {values:, }",
    "load/hex": "not hexadecimal digits: {cell!r}",
    "load/parquet damaged": (
        "{path} is Parquet, but damaged or cut short: {why}. Expected: the file as it was written. Copy or download it "
        "again"
    ),
    "load/parquet foreign": (
        "{path} is Parquet, but not a capture of gdlab: {why}. Expected: the columns {columns:, }. Read it with "
        "pandas.read_parquet"
    ),
    "load/compressed": (
        "{path} is compressed with {name}, but damaged or cut short: {why}. Expected: the whole file. Copy or download "
        "it again"
    ),
    "load/none": "none of {files} files can be read; the first: {first}",
    "load/many": "more than {most} files; load a part of them",
    "load/names none": "{source} names no file that gdlab could read; the current folder is {folder}",
    "load/spill": (
        "{folder} holds files that are not of a spilled capture: {why}. Expected: the folder as gdlab wrote it"
    ),
    # ---- codecs
    "guess/doubt": "reads as a Variant, but most messages of its size do not: a struct that begins with a number?",
    "guess/variant": "begins like a Variant, but: {problem}",
    "guess/variant more": "begins like a Variant ({type}), but {more:byte} {more:follows|follow} the Variant",
    "guess/json": "begins like JSON, but: {problem}",
    "guess/protocol": "looks like {name}: {way_out}",
    "guess/text": "a text message of WebSocket, but not UTF-8: byte 0x{byte:02x} at {at}",
    "guess/binary": 'a binary message of WebSocket that could be text: decode="text" reads it as text',
    "guess/nothing": "neither a Variant nor JSON nor text",
    "protocol-name/wide": "UTF-16 or UTF-32",
    "protocol-name/bom": "UTF-8 with a byte order mark",
    "protocol-name/godot3": "a Variant of Godot 3",
    "protocol-name/python": "Python's str()",
    "protocol/tls": "turn it off in the game, gdlab reads nothing encrypted",
    "protocol/dtls": "turn it off in the game, gdlab reads nothing encrypted",
    "protocol/stun": "a program looks for its address; it is not a message of the game",
    "protocol/mqtt": 'framing="mqtt" cuts a TCP stream into packets; read those with a function as codec',
    "protocol/http": "a request to a web server, or its answer; a listener on tcp:// shows it whole",
    "protocol/osc": 'read it with decode="osc"',
    "protocol/godot3": (
        "Godot 4 numbers its types differently; send JSON (to_json() in GDScript 3), or read it with a function"
    ),
    "protocol/enet": "Godot's high-level multiplayer; cap.multiplayer() takes it apart",
    "protocol/gzip": "read it with decode=gzip.decompress",
    "protocol/zstd": "read it with a function as codec that decompresses it",
    "protocol/bom": "leave the mark out when encoding, UTF-8 needs none",
    "protocol/engine_io": "Socket.IO's messages have their kind as digits before the JSON",
    "protocol/utf16": (
        "send UTF-8 (to_utf8_buffer() in GDScript, Encoding.UTF8 in C#), or decode it with a function"
    ),
    "protocol/wide": "send UTF-8 (to_utf8_buffer() in GDScript, Encoding.UTF8 in C#)",
    "protocol/resp": "a client of Redis speaks here; a framing of your own takes its commands whole",
    "protocol/http2": "use HTTP/1.1; gdlab does not take HTTP/2 apart",
    "protocol/ssh": "a remote shell has come to the game's port; gdlab reads nothing encrypted",
    "protocol/utf32": "send UTF-8: to_utf8_buffer() in GDScript",
    "protocol/python": "send JSON, json.dumps(value), in place of str(value)",
    "text/utf8": "not UTF-8: byte 0x{byte:02x} at {at}",
    "json/mark": "not JSON: it begins with a byte order mark",
    "json/utf8": "not JSON: byte 0x{byte:02x} at {at} is not UTF-8",
    "json/syntax": "not JSON: {problem} at character {at}",
    "json-problem/value": "expecting value",
    "json-problem/name": "expecting property name enclosed in double quotes",
    "json-problem/colon": "expecting ':' delimiter",
    "json-problem/comma": "expecting ',' delimiter",
    "json-problem/control": "invalid control character",
    "json-problem/escape": "invalid escape",
    "json-problem/string": "unterminated string",
    "json-problem/extra": "extra data",
    "json-problem/trailing": "trailing comma before the end",
    "json/deep": "not read: nested too deep",
    "json/nested": "not read: more than {most} containers inside one another",
    "json/digits": "not read: an integer of more digits than Python converts",
    "json/constant": "not JSON: {name} is not a number of JSON",
    "json/long": "an integer of {digits} digits",
    "json/wide": "{shown} is beyond 2**53: exact here, but Godot reads JSON numbers as floats and rounds it",
    "json/wide many": (
        "{shown} (and {more} more) is beyond 2**53: exact here, but Godot reads JSON numbers as floats and rounds it"
    ),
    "osc/nested": "not OSC: more than {most} bundles inside one another",
    "osc/size": "not OSC: {size:byte} {size:is|are} not a multiple of 4",
    "osc/begin": "not OSC: it begins neither with '/' nor with #bundle",
    "osc/rest": "not OSC: {size:byte} {size:follows|follow} the arguments {tags!r}",
    "osc/time": "not OSC: a bundle without its time",
    "osc/element": "not OSC: an element of {size:byte}, of which {there:,} {there:is|are} there",
    "osc/text": "not OSC: the text at {at} has no end",
    "osc/utf8": "not OSC: byte 0x{byte:02x} at {at} is not UTF-8",
    "osc/padding": "not OSC: the text at {at} is not padded with zeros to a multiple of 4",
    "osc/argument": "not OSC: the argument {tag!r} at {at} is not complete",
    "osc/type": "not OSC: no argument is of type {tag!r} here",
    "osc/array": "not OSC: an array without its end",
    "osc/blob": "not OSC: the blob at {at} is not complete",
    "osc/character": "not OSC: no character at {at}",
    "packed": "not {form}: {problem}",
    "struct/more": "{more:byte} {more:follows|follow} the {size} of the format",
    "struct/empty": "an empty payload has no type byte",
    "struct/type": "no format for the type byte {type}; there are formats for {known:, }",
    "struct/short": "{size:byte}, and the format {format!r} takes {takes}",
    # ---- Variants
    "variant/more": "{more:byte} {more:follows|follow} the Variant; Godot ignores them",
    "variant/refused": (
        "not a Godot 4 Variant: at byte {offset}{where} expected {expected}, found {found} (Godot reports {code}){hint}"
    ),
    "variant/where": " in value{path}",
    "variant/godot3": (
        ". These bytes may come from Godot 3, where type {type} is {name}; it numbers its types differently and is not "
        "supported: let the game send JSON, or move it to Godot 4"
    ),
    "variant/part": "{size:byte} ({part})",
    "variant-part/string length": "a string's length",
    "variant-part/signal object": "a Signal's object id",
    "variant-part/count": "a count",
    "variant-part/declared type": "a declared type",
    "variant-part/header": "a header",
    "variant-part/object id": "an object's id",
    "variant-part/property count": "a count of properties",
    "variant/bytes": "{size:byte}",
    "variant/left": "{size:byte} left",
    "variant/at most": "at most {most:byte}",
    "variant/string": "a string of {size:byte}, padded to a multiple of 4",
    "variant/elements": "{count} elements of {type}",
    "variant/type": "a type from 0 to 38",
    "variant/in header": "{type} in the header {header}",
    "variant/high bit": "the high bit in a NodePath's first count",
    "variant/script path": "a script's res:// path",
    "variant/deep": "at most {most} containers around a value",
    "variant/no object": "no whole object (ask for full_objects=True to get an inert record of it)",
    "variant/object": "an object with its class and properties",
    "variant/object script": "a path as the script of an object",
    "variant/object res": "a res:// path as the script of an object",
    "variant/too large": "{size:byte} are more than the {most:,} this decoder takes; raise max_bytes if you trust them",
    "scene/value": "a value is missing at byte {at}",
    "scene/a value": "a value",
    "scene/the end": "the end",
    "scene/int": "at byte {at} an int of {width:byte} has {there}",
    "scene/many": "more than {most} values",
    "scene/count": "the number of arguments is missing",
}
