"""What is to be known of a file that was read, in English."""

from __future__ import annotations

from typing import Final

#: By the key of a `Statement`.
NOTES: Final[dict[str, str]] = {
    "left out/tunnels": "more nested tunnels than any network has",
    "left out/ip": "a damaged IP header",
    "left out/authenticated": "extension headers behind an authentication header",
    "left out/esp": "encrypted (ESP)",
    "left out/macsec": "encrypted (MACsec)",
    "left out/protocol": "neither UDP nor TCP",
    "left out/gre": "a form of GRE that is not known",
    "left out/tcp": "a damaged TCP header",
    "left out/headers": "more headers around each other than any network has",
    "left out/not ip": "not IP",
    "left out/wifi management": "Wi-Fi management, or without data",
    "left out/wifi encrypted": "encrypted Wi-Fi",
    "left out/wifi fragments": "fragments of Wi-Fi, which are not put together",
    "left out/wifi several": "several packets in one Wi-Fi frame",
    "left out/radiotap": "a damaged radiotap header",
    "left out/prism": "a damaged Prism header",
    "left out/avs": "a damaged AVS header",
    "left out/ppi": "a damaged PPI header",
    "left out/pktap": "a damaged PKTAP header",
    "left out/arcnet": "parts of packets over ARCNET, which are not put together",
    "left out/cut": "cut off within the headers",
    "left out/no tunnel": "no tunnel",
    "left out/fragments": "fragments of a packet that was not captured whole",
    "left out/contradicting": "fragments that contradict each other",
    "left out/tcp empty": "TCP without a payload",
    "left out/link type": "link type {number} is not known",
    "counted/repeated": "{count:TCP segment} {count:repeats|repeat} what was there before",
    "counted/kept alive": "{count:TCP segment} {count:is a keep-alive|are keep-alives}",
    "counted/late": (
        "{count:TCP segment} came out of order and {count:stands where it belongs|stand where they belong}"
    ),
    "counted/reset": "{count:TCP reset} {count:carries|carry} bytes, which no receiver gets",
    "counted/stray": "{count:TCP segment} {count:is|are} far outside of {count:its|their} stream",
    "counted/no end": "{count:WebSocket message} {count:has|have} no end",
    "counted/pings": "{count:WebSocket control frame} (pings and pongs)",
    "note/left out": "{count:packet} {count:was|were} left out: {why}",
    "note/no end": "a message has no end and was left out",
    "note/stopped": (
        "reading stopped at byte {at} of {size}: {why}; the file was cut short or damaged, what comes before is "
        "here"
    ),
    "stopped/header": "the header is incomplete",
    "stopped/packet header": "a packet's header is incomplete",
    "stopped/packet": "a packet of {size:byte} has {there}",
    "stopped/block": "a block is incomplete",
    "stopped/order": "a section has no byte order",
    "stopped/length": "a block claims to have {length:byte}",
    "stopped/lengths": "a block's two lengths differ",
    "stopped/short": "a block is too short for what it is",
    "note/modified pcap": "the file is in the modified pcap format of a patched libpcap",
    "note/damaged": "{count:packet} {count:is|are} damaged and {count:was|were} left out",
    "note/untimed": "{count:packet} {count:has|have} no time in the file; {count:it stands|they stand} at 1970",
    "note/strange times": (
        "{count:packet} {count:has a time|have times} beyond 1970 to 2262; {count:it stands|they stand} at "
        "{count:its end|its ends}"
    ),
    "sidecar/damaged": "the sidecar is damaged and was not used: {why}",
    "sidecar/foreign": "the sidecar is not one of gdlab's and was not used",
    "sidecar/version": (
        "the sidecar is of version {version}, gdlab knows those up to {known}: what is new there was not used"
    ),
    "sidecar/wrong": "{parts} of the sidecar cannot be right, and was not used",
    "sidecar/device": "the sidecar {name} is not an ordinary file and was not used",
    "sidecar/large": "the sidecar {name} is too large to be one and was not used",
    "sidecar/missing": (
        "no sidecar {name} beside the file: dtypes are restored from the schema, the order of categories and "
        "where the data came from are not known"
    ),
    "sidecar/unreadable": "the sidecar {name} cannot be read and was not used: {why}",
    "sidecar/format": "the sidecar {name} belongs to a file of another format and was not used",
    "sidecar/size": (
        "the file has {size} bytes and the sidecar was written for one of {written}: it was changed after it was "
        "written, or the sidecar belongs to another file"
    ),
    "sidecar/rows": "the file has {rows} rows, its description states {described}",
    "sidecar/categories": "the sidecar's categories of {name!r} do not fit the file and were not used",
    "csv/separator": "the cells are separated by {separator!r}, as a spreadsheet saves them",
    "csv/encoding": "the text is encoded as {encoding}",
    "note/columns left out": "columns that a capture does not have were left out: {columns}",
    "note/columns missing": "columns are missing, and were filled with what can be inferred: {columns}",
    "csv/guarded": (
        "cells begin with an apostrophe: judging by all of them, the file is one guarded against formulas"
    ),
    "csv/raw": "cells begin with an apostrophe: judging by all of them, the file was written with raw=True",
    "csv/blank": "{count:line} {count:is|are} blank and {count:was|were} left out",
    "left out/changed": "the IP packet does not appear in them unchanged",
    "note/tshark": "tshark reports: {why}",
    "note/offer tshark": "where tshark is installed, it reads packets of link layers that gdlab does not know",
    "csv/zone": "{count:time} {count:is|are} without a zone, and {count:was|were} taken for UTC",
    "note/foreign": "the file was not written by gdlab: where it came from is not known",
    "note/of": "{name}: {note}",
    "spill/not ended": (
        "it was not closed properly (the process was killed, or still runs): what was received in the last {seconds} "
        "s before its end may be missing; after a power cut or a crash of the whole system more, what it had not "
        "yet put on the disk"
    ),
    "spill/nothing": "nothing had been written yet: whether something had arrived cannot be known",
    "spill/capture": "capture {session}: {note}",
    "spill/left": "{files:file} of a capture {session} whose description is gone {files:was|were} left out",
    "spill/captures": "the folder holds {captures:capture}; all their rows are here",
    "spill/description": "its description is not an ordinary file, or too large to be one, and was not used",
    "spill/unreadable": "its description cannot be read: {why}",
    "note/missing": "{name} is missing here: {why}",
    "note/together": "{files:file} {files:is|are} here together",
    "note/backwards": "time runs backwards at {rows:row}: all rows were put in order of time",
    "note/sizes": (
        "{rows:row} {rows:states|state} a size that {rows:its payload does|their payloads do} not have: measures of "
        "bytes use what {rows:it states|they state}"
    ),
}
