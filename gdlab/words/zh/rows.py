"""Why a row is there, in Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_NEXT_VALUE: Final = "；下一个值从下一个换行或左括号算起"
_LENGTH: Final = "流中第 {offset} 字节处的长度 {header} 表示 {size} 字节，上限是 {most}（{limit}）"


def _opened_by_client(fact: Mapping[str, Any]) -> str:
    chosen = f"，子协议 {fact['subprotocol']}" if fact["subprotocol"] else ""
    page = f"，来自网页 {fact['page']}" if fact["page"] else ""
    return f"{fact['said']}{chosen}{page}"


def _opened_by_us(fact: Mapping[str, Any]) -> str:
    again = f"，第 {fact['attempt']} 次尝试" if fact["attempt"] > 1 else ""
    chosen = f"，子协议 {fact['subprotocol']}" if fact["subprotocol"] else ""
    return f"本端地址 {fact['own']}{again}{chosen}"


def _evidence(fact: Mapping[str, Any], what: str) -> str:
    sure = "" if fact["certain"] else "；尚不确定"
    protocol = f"（{fact['protocol']}）" if fact["protocol"] else ""
    return f"分帧 {fact['framing']}{protocol}：连续 {fact['frames']} 条消息，{what}{sure}"


#: One for each reason, or each case of it; what stands in braces is a value of the fact.
SENTENCES: Final[dict[str, str | Callable[[Mapping[str, Any]], str]]] = {
    "opened": "已连接",
    "opened/ws": _opened_by_client,
    "opened/out": _opened_by_us,
    "opened/relay": "客户端 {number}，从 {own} 转发到 {server}",
    "opened/onward": "代客户端 {number}（{client}）",
    "peer_closed": "对端关闭了连接",
    "peer_closed/both": "双方都关闭了连接",
    "peer_closed/code": lambda fact: f"对端关闭了连接：{fact['code']} {fact['said']}".rstrip(),
    "peer_closed/no_code": "对端关闭了连接：没有关闭码",
    "peer_closed/no_frame": "对端没有发送关闭帧就断开了（1006）",
    "peer_reset": "对端重置了连接",
    "broken": "连接中断：{said}",
    "we_closed": "本端关闭了连接：{cause}",
    "we_closed/code": "本端关闭了连接：{code} {cause}",
    "slow_reader": "本端关闭了连接：对端不读取数据，有 {waiting} 字节等待发送，上限是 {most}（{limit}）",
    "slow_reader/all": (
        "本端关闭了连接：对端不读取数据，等待发给它的数据最多；所有对端共有 {waiting} 字节等待发送，上限是 {most}（{limit}）"
    ),
    "held_too_much": "本端关闭了连接：所有连接中尚未完整的消息共占 {held} 字节，上限是 {most}（{limit}）",
    "stopped": "本端关闭了连接：捕获已停止",
    "internal": "连接已关闭：gdlab 内部错误，{error}",
    "lingered": "对端没有关闭它的那一侧",
    "refused_limit/relay": "未转发：已有 {most} 个客户端（{limit}）",
    "refused_limit": "拒绝：已有 {there} 个连接，上限是 {most}（{limit}）",
    "refused_limit/system": "拒绝：已有 {there} 个连接，本系统的上限是 {most}",
    "refused_origin": "以 HTTP {code} 拒绝：网页 {said!r} 不允许连接；要允许它，请在监听时写 origins=[{said!r}]",
    "refused_origin/relay": "拒绝：网页 {said!r} 不允许经中继连接",
    "refused_path": "以 HTTP {code} 拒绝：{said!r} 处没有监听，本监听器在 {path!r}",
    "refused_handshake": "拒绝：不是 WebSocket 握手，{said}",
    "refused_handshake/plain": (
        "拒绝：{said!r} 是普通的 HTTP 请求（如 HTTPRequest 所发），不是 WebSocket 握手：请用 WebSocketPeer 连接，"
        "或监听 tcp:// 来查看请求"
    ),
    "refused_handshake/tls": "拒绝：客户端使用 TLS（wss://），gdlab 无法读取：请在游戏中使用 ws://",
    "refused_handshake/foreign": (
        "拒绝：不是 WebSocket 握手，开头的字节是 {said}；如果游戏使用 StreamPeerTCP，请监听 tcp://"
    ),
    "refused_handshake/http": "以 HTTP {code} 拒绝：{said}",
    "handshake_timeout": "拒绝：WebSocket 握手在 {seconds:g} 秒内没有完成",
    "handshake_timeout/out": (
        "已连接，但 {seconds:g} 秒内没有 WebSocket 握手；游戏是否调用了 accept_stream() 和 poll()？"
    ),
    "handshake_cut/offered": (
        "连接在 WebSocket 握手完成之前就结束了；向它提供了子协议 {said}，而没有这些子协议的 Godot 服务器会这样断开："
        "请去掉 subprotocols=，或在游戏中设置 supported_protocols"
    ),
    "subprotocol": "没有商定子协议：客户端提供 {said}，本监听器有 {spoken}；Godot 的客户端会断开这样的连接",
    "subprotocol/none": "没有商定子协议：客户端提供 {said}，而本监听器被要求不接受任何子协议；Godot 的客户端会断开这样的连接",
    "encrypted": "对端使用 TLS，gdlab 无法读取：请在游戏中关闭它（用 tcp:// 和 ws:// 代替 TLS 和 wss://）",
    "handshake_cut": "连接在 WebSocket 握手完成之前就结束了",
    "not_websocket": "服务器在此处不使用 WebSocket，{said}",
    "out_of_files": "无法接受连接：已有 {there} 个连接（{said}）",
    "connect_failed": "第 {attempt} 次尝试连接：{cause}",
    "connect_failed/again": "第 {attempt} 次尝试连接：{cause}；{pause_s:g} 秒后再试",
    "nobody_listens": "那里没有程序在监听；请先启动游戏，并确认它监听的是这个端口",
    "no_answer": "{seconds:g} 秒内没有回应：地址不对，或被防火墙挡住了？",
    "unreachable": "{address} 处没有程序在监听：一个数据报被拒绝",
    "malformed/json_start": "应为 JSON 值开头的地方出现了 {found}" + _NEXT_VALUE,
    "malformed/json_comma": "应为逗号或上一个值结尾的地方开始了一个新值",
    "malformed/json_depth": "数组和对象的嵌套超过 {most} 层" + _NEXT_VALUE,
    "malformed/json_bracket": "{found} 与左括号不匹配" + _NEXT_VALUE,
    "malformed/json_string": "字符串中有换行" + _NEXT_VALUE,
    "malformed/json_word": "有一个词不是 JSON 值" + _NEXT_VALUE,
    "malformed/ws": "{said}",
    "malformed/relay": "不是 WebSocket 帧：此后的内容经中继通过而不解析",
    "malformed/udp_length": "UDP 头中的长度不可能成立：接收方会丢弃它",
    "malformed/seen": "{said}",
    "oversized/frame": "流中第 {offset} 字节处有一个 {size} 字节的帧，上限是 {most}（{limit}）；这是它的前 {kept} 字节",
    "oversized/line": "有一行超过 {most} 字节的上限（{limit}）；这是它的前 {kept} 字节",
    "oversized/json": "有一个 JSON 值超过 {most} 字节的上限（{limit}）；这是它的前 {kept} 字节",
    "oversized/text": _LENGTH + "；{text!r} 是文本：分帧方式可能是 'lines'、'json' 或 'raw'",
    "oversized/order": _LENGTH + "；换一种字节序则为 {swapped}：分帧方式可能是 {other!r}",
    "oversized/lost": _LENGTH + "；发送方用的是另一种分帧方式，或已错位",
    "oversized/relay": "一条消息超过 {most} 字节：它经中继通过，但不显示",
    "oversized/ws": "一条消息超过 {most} 字节的上限（{limit}）",
    "not_utf8": "文本消息不是 UTF-8：第 {at} 字节处 {problem}",
    "incomplete/line": "流在换行之前结束",
    "incomplete/length": "流在长度字段的 {size} 字节中只到第 {held} 字节就结束",
    "incomplete/frame": "流在 {size} 字节中只到第 {held} 字节就结束",
    "incomplete/json": "流在一个 JSON 值中间结束",
    "not_sent": "未发送：{cause}",
    "not_sent/many": "有 {count:,} 条消息没有发送：{cause}",
    "unframable/line_feed": "数据中有换行，会变成几行；请逐行发送",
    "unframable/fixed": "数据有 {size} 字节，而 {framing!r} 每次恰好发送 {exact} 字节",
    "unframable/prefix": "数据有 {size} 字节，而 {framing!r} 的长度字段最多表示 {most}",
    "too_big": "{size} 字节放不进一个数据报（最多 {most}）",
    "ending": "连接正在关闭",
    "ending/ended": "连接已经结束：{cause}",
    "system_error": "{said}",
    "unsent": "有 {count:,} 字节没有发送：{cause}",
    "reply_raised": "回复函数抛出了 {error}",
    "framing_guessed/nothing": "分帧 {framing}：没有收到任何数据",
    "framing_guessed/text": "保持 raw：没有换行的文本",
    "framing_guessed/controls": "保持 raw：开头是文本，但其中有控制字符；如果您知道分帧方式，请指定它",
    "framing_guessed/unknown": (
        "保持 raw：开头的字节不符合任何可识别的分帧方式；如果您知道，请指定它，或用 .reframe(...) 重新读取捕获"
    ),
    "framing_guessed/failed": "保持 raw：猜出的分帧方式失败了，流已从第一个字节重新读取；{cause}",
    "framing_guessed/json": "分帧 json：像 JSON 值一样开头",
    "framing_guessed/lines": "分帧 lines：开头的字节是带换行的文本",
    "framing_guessed/variants": lambda fact: _evidence(fact, "每帧都是一个完整的 Variant"),
    "framing_guessed/lengths": lambda fact: _evidence(fact, "每帧的长度都相符"),
    "framing_guessed/separator": lambda fact: _evidence(fact, "每帧都是到分隔符为止的文本"),
    "framing_guessed/waiting": "分帧 {framing}：一个 {waits_for} 字节的长度，到目前为止与一个 Variant 相符",
    "framing_guessed/content_length": "分帧 content_length：带 Content-Length 的头部行",
    "framing_guessed/stomp": "分帧 nul：STOMP 的帧，以 NUL 结尾",
    "framing_guessed/signalr": "分帧 signalr：JSON 后跟记录分隔符 0x1e，SignalR 就是这样发送的",
    "framing_guessed/tls": (
        "保持 raw：客户端使用 TLS，gdlab 无法读取：请在游戏中关闭它（用 tcp:// 和 ws:// 代替 TLS 和 wss://）"
    ),
    "framing_guessed/http": "分帧 http：一个 HTTP 请求或应答；如果是 WebSocket 客户端发来的，请改为监听 ws://",
    "framing_guessed/mqtt": "分帧 mqtt：MQTT 数据包，第一个是 CONNECT",
    "framing_guessed/stun": "保持 raw：STUN，程序用它查询自己的地址",
    "framing_guessed/gzip": "保持 raw：用 gzip 压缩；请在自己的编解码函数中解压",
    "framing_guessed/wide": (
        "保持 raw：UTF-16 或 UTF-32；请发送 UTF-8（GDScript 用 to_utf8_buffer()，C# 用 Encoding.UTF8）"
    ),
    "framing_guessed/resp": "framing lines：RESP，即 Redis 的命令；每一行是一条记录，值中的每一行也是",
    "framing_guessed/http2": "保持 raw：HTTP/2，gdlab 不解析它",
    "framing_guessed/ssh": "保持 raw：SSH 远程登录；gdlab 读不了加密的内容",
    "framing_guessed/zstd": "保持 raw：用 Zstandard 压缩；请在自己的编解码函数中解压",
    "incomplete/fragments": "对方在一条分片消息中途关闭了连接，已收到 {held} 字节",
    "incomplete/cut": "流在一个帧的 {held} 字节之后结束",
    "malformed/cut": "流中第 {offset} 字节处不是 {framing} 帧的开头：{why}",
    "oversized/cut": "流中第 {offset} 字节处的帧超过 {most} 字节的上限（{limit}）",
    "unframable/separator": "数据中有结束消息的 0x{separator}；请分几次发送",
    "may_not_fit": (
        "{count} 字节超过了 Godot 默认能接收的 {most} 字节，除非游戏把 WebSocketPeer.inbound_buffer_size 设得更大；"
        "否则它会以关闭码 1009 断开连接"
    ),
    "probe": "测量往返时间的探测消息",
    "not_captured": "数据中有 {count} 字节没有被捕获",
    "not_captured/stream": "流中有 {count} 字节没有被捕获",
    "close_seen": "{said}",
    "close_seen/code": lambda fact: f"{fact['code']} {fact['said']}".rstrip(),
    "capture_drop": "捕获程序丢失了 {count} 个数据包",
    "compressed": "已压缩（permessage-deflate），按通过时的样子显示",
    "setting": "{change}",
    "idle": "静默了 {seconds:g} 秒：中继为它打开的套接字已关闭",
    "untold": "缺少中继的 {count} 行：笔记本太忙，没能取走它们",
    "endpoint_failed": "端点已停止：{error}",
    "kernel_drop": "内核丢弃了 {count} 个数据报：{buffer} 字节的接收缓冲区已满",
    "kernel_drop/relay": "内核丢弃了 {count} 个数据报：它们来得比中继取走得快",
    "evicted": (
        "丢弃了 {count} 行（{payload_bytes} 字节数据）：存储保留 {keeps}；要保留更多，请增大 listen(limit=...)"
    ),
    "evicted/spilled": (
        "丢弃了 {count} 行（{payload_bytes} 字节数据）：存储保留 {keeps}；其中已写入磁盘的部分："
        "gdlab.load({folder!r})"
    ),
    "paused": "停止了 {seconds:.1f} 秒，其间没有接收任何数据",
    "skipped/frame": "丢弃了超限帧的 {count} 字节",
    "skipped/ended": "丢弃了 {announced} 字节中的 {count} 字节；随后流结束了",
    "skipped/line": "丢弃了 {count} 字节，直到下一个换行",
    "skipped/line_ended": "丢弃了 {count} 字节；流结束时没有换行",
    "skipped/json": "丢弃了超限值的 {count} 字节",
    "skipped/after": "连接结束之后又收到 {count} 字节，没有读取",
    "spill_missed": (
        "丢弃了 {count} 行（{payload_bytes} 字节数据）：存储保留 {keeps}；当时磁盘还没有写完它们；"
        "要撑过更久的慢磁盘，请增大 listen(limit=...)"
    ),
}

#: What a number of rows of each reason is called in a list of counters.
COUNTED: Final[dict[str, str]] = {
    "opened": "建立的连接",
    "peer_closed": "对端关闭的连接",
    "peer_reset": "对端重置的连接",
    "broken": "中断的连接",
    "we_closed": "因对端所发内容而关闭的连接",
    "slow_reader": "因对端不读取而关闭的连接",
    "held_too_much": "因消息不完整而关闭的连接",
    "stopped": "因停止而结束的连接",
    "internal": "因 gdlab 内部错误而结束的连接",
    "lingered": "对端没有按时结束的连接",
    "refused_limit": "拒绝的连接（太多）",
    "refused_origin": "拒绝的网页",
    "subprotocol": "未商定的子协议",
    "encrypted": "使用 TLS 的对端",
    "refused_path": "拒绝的连接（路径不对）",
    "refused_handshake": "拒绝的连接（不是 WebSocket 握手）",
    "handshake_timeout": "没有按时完成的 WebSocket 握手",
    "handshake_cut": "在 WebSocket 握手中结束的连接",
    "not_websocket": "不使用 WebSocket 的服务器",
    "out_of_files": "拒绝的连接（系统资源用尽）",
    "connect_failed": "失败的连接尝试",
    "nobody_listens": "无人监听的连接尝试",
    "no_answer": "没有回应的连接尝试",
    "unreachable": "无人监听的数据报",
    "malformed": "格式错误的消息",
    "oversized": "超过上限的消息",
    "not_utf8": "不是 UTF-8 的文本消息",
    "incomplete": "因流结束而残缺的消息",
    "not_sent": "未发送的消息",
    "unframable": "无法分帧的消息",
    "too_big": "放不进一个数据报的消息",
    "ending": "发往正在结束的连接的消息",
    "system_error": "系统错误",
    "unsent": "结束时有未发送字节的连接",
    "reply_raised": "回复函数的错误",
    "framing_guessed": "猜出的分帧方式",
    "may_not_fit": "对方可能接收不了的消息",
    "probe": "往返时间的探测消息",
    "not_captured": "没有完整捕获的数据",
    "close_seen": "记录到的关闭帧",
    "capture_drop": "捕获程序的丢失",
    "compressed": "未解压的压缩消息",
    "setting": "中继条件的变化",
    "idle": "静默的客户端",
    "untold": "笔记本没能取走的几段行",
    "endpoint_failed": "出错停止的端点",
    "kernel_drop": "内核的丢弃",
    "evicted": "因上限而丢弃",
    "paused": "暂停",
    "skipped": "跳过的几段字节",
    "spill_missed": "没有写入磁盘的行",
}
