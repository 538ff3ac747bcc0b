"""What findings report about a watched game, in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

_STOOD_STILL: Final = Advice(
    "游戏因中断停住了 {seconds:.1f} 秒{place}。",
    "{breaks:,} 次中断，共 {all_ms:.0f} 毫秒；最长一次的原因：{because}",
    "静默 5 秒的游戏会被对端放弃。请修正使它停住的错误；断点只在连接了调试器时才会使它停住。",
    "处于中断的程序谁也不回答，而对端分不清这与网络中断有什么不同。",
)
_SCRIPT_ERROR: Final = Advice(
    "游戏的脚本出错{errors:一次| # 次}，位于 {file}:{line}：{text}",
    "{places:,} 处；{errors} 个错误中有 {tied} 个在一帧之内紧跟在某一个数据包之后",
    "函数停在那一行：它本应发送或回答的内容都没有发出。调用栈见 watch.log。",
    "错误结束的是一个函数，而不是游戏：之后缺少的内容看上去就像丢包。",
)

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "stood-still": _STOOD_STILL,
    "stood-still/short": _STOOD_STILL._replace(
        what="游戏因中断停住了{breaks:一次| # 次}，最长 {longest_ms:.0f} 毫秒{place}。"
    ),
    "slow-game-frame": Advice(
        "往返时间升到 {rtt_ms:.0f} 毫秒，是因为游戏的一帧用了 {stall_ms:.0f} 毫秒（{game} 的第 {number} 帧）："
        "这不是网络造成的。",
        "{trips} 个过长的往返（通常为 {usual_ms:.1f} 毫秒）中有 {slow} 个落在慢帧上，慢帧共 {frames} 个；"
        "这些帧解释了每个往返中的 {explained_ms:.0f} 毫秒（中位数）",
        '请看游戏在那一帧做了什么：先用 watch.profile("functions")，再看 watch.functions，就知道是哪段 GDScript 慢。',
        "游戏在两帧之间回答：一帧持续多久，每条消息就等多久。",
    ),
    "script-error": _SCRIPT_ERROR,
    "script-error/places": _SCRIPT_ERROR._replace(
        what="游戏的脚本出错{errors:一次| # 次}，其中{here:一次| # 次}位于 {file}:{line}：{text}"
    ),
    "packet-refused": Advice(
        "游戏拒绝了对端的数据包{errors:一次| # 次}：{text}",
        "轮询网络时出现 {different:,} 种错误；{errors} 个错误中有 {tied} 个可以对应到 {packets:,} 个数据包",
        "请看所指的数据包，以及双方在那一刻是否有相同的节点、脚本和 authority。",
        "数据包到达了，不等于被理解了。",
    ),
    "output-cut": Advice(
        "引擎截断了游戏的输出：watch 没有显示它打印或报告的全部内容。",
        "引擎发出了 {notices:,} 条通知：{texts:；}",
        "请减少每帧的打印，或在项目设置中调大 network/limits/debugger/*。",
        "程序关于自己的报告也受上限约束：要把被截掉的算进去。",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "stood-still/at": "，位于 {file}:{line}",
    "stood-still/asked": "由调试器要求",
}
