"""What findings report about the path and a relay on it, in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "relay-late": Advice(
        "中继最多迟了 {late_ms:g} 毫秒：小于它的抖动和延迟不要采信。",
        "中继自身的迟延：中位数 {median_us:.0f} 微秒，99 % 为 {p99_us:.0f} 微秒，n={n}；超过 {bound_us:.0f} 微秒才有影响"
        "（1 毫秒，或所设最小延迟的十分之一）",
        "请关闭占用本机处理器的程序，减少每秒发送的数据包，或设置大得多的延迟。",
        "有意制造延迟的工具，应当报告自己做得有多准。",
    ),
    "relay-not-network": Advice(
        "中继在 {packets:,} 个数据包中拿走了 {lost:,} 个：{told:，}。",
        "{counts:；}；n={packets} 个数据包",
        "这正是所设的条件。除此之外缺少的丢失在别处：请把 px.truth 与接收方比较。",
        "知道对每个数据包做了什么，就能用它检验每一个测量值。",
    ),
    "jitter-clamped": Advice(
        "保持顺序使 {way} 方向的抖动变成了延迟：{total_ms:.1f}±{total_sd_ms:.1f} 毫秒，而不是 "
        "{drawn_ms:.1f}±{drawn_sd_ms:.1f} 毫秒。",
        "平均要等前面的数据包 {waited_ms:.1f} 毫秒，n={n}",
        "请设置 jitter_over_ms=20 左右，使延迟像真实网络那样缓慢变化；或设置 order='free'，允许数据包互相超越。",
        "数据包很密时，给每个数据包重新抽取延迟没有意义：真实的延迟会持续一段时间。",
    ),
    "queue-standing": Advice(
        "{way} 方向的队列有 {seconds:.1f} 秒从未排空：发送的超过了线路能承载的。",
        "等待的中位数 {median_ms:.0f} 毫秒，最大积压 {largest:,} 字节，n={n}",
        "请少发送一些，或调大 rate_kbps。更长的队列只会使一切更迟（bufferbloat）。",
        "队列能吸收突发；一直来得更快的数据会填满任何队列。",
    ),
    "lost-where": Advice(
        "消息丢失在：{places:，}。",
        "{shares:；}",
        "请看丢失最多的一段。一段路径到对方程序读取时才算结束：对方内核丢弃的也算在路径上。",
        "要确定丢失在哪里，须在每一处的两侧计数，而不是只看一端。",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "place/sender to receiver": "发送方到接收方",
    "place/sender to relay": "发送方到中继",
    "place/relay": "中继",
    "place/relay: loss": "中继，因线路的丢包",
    "place/relay: queue": "中继，因瓶颈前的队列已满",
    "place/relay: cut": "中继，因线路中断",
    "place/relay: mtu": "中继，因超过线路允许的大小",
    "place/relay: limit": "中继，因中继自己积压太多",
    "place/relay: stopped": "中继，因中继被停止",
    "place/relay: unsent": "中继，因本系统拒绝发送",
    "place/relay to receiver": "中继到接收方",
    "place/receiver's buffer": "接收方的缓冲区",
    "lost-where/place": "{place}（{entered:,} 条中的 {lost:,} 条）",
    "lost-where/share": "{place}：丢失 {loss:.1%}（95 % 置信区间 {low:.1%} 到 {high:.1%}，n={n}）",
    "lost-at/sender to receiver": "网络路径上",
    "lost-at/sender to relay": "到中继的路径上",
    "lost-at/relay": "中继里",
    "lost-at/relay: loss": "中继里（因线路的丢包）",
    "lost-at/relay: queue": "中继里（因瓶颈前的队列已满）",
    "lost-at/relay: cut": "中继里（因线路中断）",
    "lost-at/relay: mtu": "中继里（因超过线路允许的大小）",
    "lost-at/relay: limit": "中继里（因中继自己积压太多）",
    "lost-at/relay: stopped": "中继里（因中继被停止）",
    "lost-at/relay: unsent": "中继里（因本系统拒绝发送）",
    "lost-at/relay to receiver": "从中继出来的路径上",
    "lost-at/receiver's buffer": "这次捕获自己的接收缓冲区里",
    "relay-not-network/loss": "{n:,} 个因线路的丢包",
    "relay-not-network/queue": "{n:,} 个因瓶颈前的队列已满",
    "relay-not-network/cut": "{n:,} 个因线路中断",
    "relay-not-network/mtu": "{n:,} 个因超过线路允许的大小",
    "relay-not-network/limit": "{n:,} 个因中继自己积压太多",
    "relay-not-network/stopped": "{n:,} 个因中继被停止",
    "relay-not-network/unsent": "{n:,} 个因本系统拒绝发送",
}
