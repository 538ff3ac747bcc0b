"""What a status is made of, in Chinese."""

from __future__ import annotations

from typing import Final

#: What the status of a capture and the diagnosis of a wait are made of.
PHRASES: Final[dict[str, str]] = {
    "units": "秒 分钟 小时",
    "status": "{text}。可以试试：{hint}",
    "failed": "{address} 出错：{error}",
    "failed/hint": "请重新运行调用 listen 的单元格；已收到的数据会保留",
    "counts": "{messages}，{peers}，{dropped}",
    "messages": "{number:,} 条消息",
    "pings": "（另有 ping：已发 {pings:,} 个，收回 {answers:,} 个）",
    "peers": "{number:,} 个对端",
    "connections": "{number:,} 个连接",
    "stopped": "{seconds:.1f} 秒后已停止，{names}：{counts}",
    "listening on": "正在监听 {names}",
    "connected to": "已连接到 {names}",
    "connecting to": "正在连接 {names}",
    "sending to": "正在发送到 {names}",
    "lan": "（对整个网络开放）",
    "waiting": "{doing}{lan}，{seconds:.0f} 秒内没有收到任何数据",
    "running": "{doing}{lan}，{counts}，上一次收到数据在 {age} 之前",
    "hint/ask": "它只回答发给它的消息：请用 .send(...)。Godot 的 UDPServer 必须每帧轮询",
    "hint/server": "{host} 的端口 {port} 上是否有服务器在运行，它是否每帧调用 poll()？",
    "hint/reach": "其他机器请发送到 {host}，端口 {port}（可能被防火墙挡住）",
    "hint/here": '其他机器无法到达这里，除非监听时写 host="lan"',
    "hint/udp": "游戏是否在运行，是否用 {transport} 发送到端口 {port}？没有程序监听时 UDP 不报错；{reach}",
    "hint/stream": "游戏是否在运行，是否连接到端口 {port} 并每帧调用 poll()？{reach}",
    "hint/silent": (
        "有一个对端已连接，但没有发送任何数据：游戏是否每帧调用 {call}？不调用的话，即使连接已建立，"
        "游戏一侧也会停在 CONNECTING 状态"
    ),
    "hint/framing": "。所发的也可能是一条不完整的消息：参见 framing=",
    "hint/problem": "请看最近出了什么问题：{problem}",
    "hint/incomplete": "收到的还不是一条完整的消息：请等待，或用 .reframe(...) 以另一种方式读取",
    "hint/opening": "{peers}已连接，但 WebSocket 握手尚未完成：游戏是否每帧调用 WebSocketPeer.poll()？",
    "hint/left": "{peers}连接后没有发消息就离开了：游戏是否在关闭之前发送，并一直调用 poll() 直到发完？",
    "incomplete": "，一条消息已收到 {held:,} 字节",
    "incomplete/of": "，一条 {whole:,} 字节的消息已收到 {held:,} 字节",
    "bytes": "{number:,} 字节",
    "hint/loss": (
        "有 {drops:,} 个数据报丢失在本机的接收缓冲区（{buffer} KiB），而不是在网络上：请放慢发送，"
        "或提高系统的上限（Linux：sysctl net.core.rmem_max）"
    ),
    "hint/reply": "{problem}（至今 {times:,} 次，没有回复）：请修正，然后调用 cap.set_reply(...)",
    "hint/pings": '没有对端回答 ping（已发 {sent:,} 个，0 个得到回答）：请把 cap.gdscript("echo") 的脚本粘贴到游戏里',
    "this machine": "本机的地址",
    "wait": "{seconds:g} 秒后收到了 {wanted} 条消息中的 {received} 条。现在：{text}。",
    "wait/more": "{seconds:g} 秒后又收到了 {wanted} 条新消息中的 {received} 条。现在：{text}。",
    "wait/try": "{said}可以试试：{hint}",
    "wait/stopped": "{said}已停止的捕获不再接收；它的 start() 会继续，{anew} 会重新开始",
    "wait/slow": "{said}游戏发送得比这慢，或已经结束；更长的 timeout= 会继续等",
    "none dropped": "0 丢失",
    "dropped/kernel": "内核丢弃了 {number:,}",
    "dropped/limit": "最早的 {number:,} 行已丢弃（上限）",
    "and": "，",
    "or": "；",
    "marks/broken": "无法读取：{why}",
    "marks/unknown": "无法判断是否被改动过：请把旁边的 .gdlab.json 一起交上来",
    "marks/rows": "被改动过：有 {rows} 行，写入时是 {told} 行",
    "marks/bytes": "被改动过：有 {bytes} 字节，写入时是 {told} 字节（被电子表格或编辑器重新保存过？）",
    "marks/backwards": "被改动过：有 {rows} 行的时间倒退了",
    "marks/sizes": "被改动过：有 {rows} 条载荷的大小与记录不符",
    "marks/points": "被改动过：写着 {points} 分，而最好的回答是 {best} 分",
    "marks/attempts": "被改动过：写着 {attempts} 次尝试，而回答有 {answers} 个",
    "marks/copied": "与 {file} 有 {share:.0%} 相同",
    "roster/silent": "游戏还在运行、没有暂停吗？笔记本电脑换网络了吗？",
    "roster/never heard": (
        "游戏是否发送到这台电脑的地址和端口，消息里有没有暗号？127.0.0.1 是学生自己的电脑；防火墙或访客网络可能把电脑隔开。"
    ),
    "no findings": (
        "没有发现：没有认出什么，这并不等于一切正常。往返时间需要探测（ping=0.05，以及会回应的游戏），"
        '丢包需要带编号的消息（findings(seq="v.seq")），Godot 的高层多人联机另有它的发现（multiplayer().findings()）。'
    ),
}
