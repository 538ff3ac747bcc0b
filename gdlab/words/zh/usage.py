"""What is wrong with what a call was given, in Chinese."""

from __future__ import annotations

from typing import Final

#: By the key of a `Statement`.
USAGE: Final[dict[str, str]] = {
    "format/order": "{text!r}：'@' 在不同机器上含义不同；请以 '<'（Godot 的写法）或 '>' 开头",
    "format/field": (
        '{text!r} 中的 {piece!r} 不是字段；字段由 Python struct 的代码和名称组成："<B type, H seq, 3f pos"'
    ),
    "format/name": '{text!r} 中的 {piece!r} 没有名称；请写成 "<B type, H seq, 3f pos"',
    "format/twice": "{text!r} 有两个名为 {name!r} 的字段",
    "format/many": "{text!r} 中的 {piece!r}：一个名称 1 到 {most} 个值，名称也最多这么多",
    "format/empty": '{text!r} 没有任何字段；请写成 "<B type, H seq, 3f pos"',
    "format/names": "格式 {text!r} 的名称是 {names:、}，而不是 {given:、}",
    "format/values": "格式 {text!r} 需要 {takes} 个值，对应 {names:、}",
    "format/value": "{value} 不能作为格式 {text!r} 的 {name!r}：{why}",
    "format/hint": (
        '{of} 的字段 {name!r} 没有写明如何打包；请写成 {name}: Annotated[..., "H"]，代码用 Python struct 的'
    ),
    "format/type byte": "类型字节 {byte} 不是 0 到 255 的数",
    "codec/unknown": (
        '没有名为 {codec!r} 的编解码器；可用的有 auto、{known:、}，"<B type, H seq, 3f pos" 这样的 struct '
        "格式，或以载荷为参数的函数"
    ),
    "codec/kind": "编解码器是名称、格式或以载荷为参数的函数，而不是 {type}",
    "codec/bytes": 'codec="bytes" 原样发送字节，而这里是 {type}',
    "osc-writing/form": (
        'OSC 的发送形式是 {{"address": "/cube/pos", "args": [1, 2.5]}} 或 {{"elements": [...]}}，而这是 {type}'
    ),
    "osc-writing/address": "OSC 的地址是以 '/' 开头的文本，而这是 {address}",
    "osc-writing/argument": "OSC 没有 {type} 类型的参数：只有最多 64 位的数、文本、字节、列表、True、False、None",
    "osc-writing/nul": "OSC 的文本以 NUL 结尾，因此不能包含 NUL：请作为字节发送",
    "codec/unwritten": (
        '没有名为 {codec!r} 的可写编解码器；可用的有 auto、{known:、}，以及 "<B type, H seq, 3f pos" '
        "这样的 struct 格式"
    ),
}
