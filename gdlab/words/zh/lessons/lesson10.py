"""What lesson 10 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "How large must the buffer be on congested, so that nothing comes too late (ms)?": "在 congested 上缓冲区要多大，才没有任何内容来得太晚（ms）？",
    "100 ms: the jitter of 50 ms makes delays from next to nothing to 100 ms, and the buffer has to hold the difference between the fastest and the slowest.": "100 ms：50 ms 的抖动使延迟从几乎为零到 100 ms，缓冲区必须容下最快与最慢之差。",
    "That is the average delay, and half of what it varies by. At 50 ms two of three are missing.": "那是平均延迟，也是其变化幅度的一半。50 ms 时三个里缺两个。",
    "Nearly: 78 of 483 are still late then. Where is `late` 0?": "差一点：那时 483 个中还有 78 个太晚。`late` 在哪里为 0？",
    "That is enough, and more than is needed: each millisecond makes the world older.": "那够了，而且超出需要：每一毫秒都让世界更旧。",
    "That is what wifi or 4g-moving need.": "那是 wifi 或 4g-moving 需要的。",
    "In seconds. And in milliseconds?": "那是秒。换成毫秒呢？",
    "Look for the first row of the table in which `late` is 0.": "请找表中 `late` 为 0 的第一行。",
    "The index of the first row whose `late` is 0.": "`late` 为 0 的第一行的索引。",
    "With a buffer of 20 ms on wifi: how many per cent of the updates are missing?": "wifi 上缓冲区为 20 ms 时：缺少百分之几的更新？",
    "17.8 %: 11 of 483 were lost, and 75 came too late to be drawn. Both look the same to a player.": "17.8 %：483 个中 11 个丢失，75 个来得太晚而无法绘制。对玩家来说两者一样。",
    "Those were lost. With 20 ms many more come too late: `missing` counts both.": "那些是丢失的。20 ms 时来得太晚的要多得多：`missing` 两者都数。",
    "Those were late. The lost ones are missing, too.": "那些是太晚的。丢失的也缺少。",
    "That is with a buffer of 10 ms.": "那是缓冲区为 10 ms 时的。",
    "That is how many. How many per cent is that of 483?": "那是个数。占 483 的百分之几？",
    "That is 4g-moving. The question is about wifi.": "那是 4g-moving。问的是 wifi。",
    "The column `missing` of wifi's table, in the row of 20 ms, in per cent.": "wifi 的表中 20 ms 那一行的 `missing` 列，以百分数表示。",
    "100 times `missing`.": "100 乘以 `missing`。",
    "What does a larger buffer not help against?": "更大的缓冲区对什么没有帮助？",
    "Loss: what never comes cannot be waited for. The curves end at the share that was lost.": "丢失：永远不来的等不到。曲线停在丢失的比例上。",
    "That is what a buffer is for: it waits for the slow ones.": "缓冲区正是为此：它等待慢的。",
    "Look at congested from 10 to 100 ms: fewer and fewer are late.": "请看 congested 从 10 到 100 ms：太晚的越来越少。",
    "Look at the right end of the curves: three of them do not come down to 0.": "请看曲线的右端：其中三条没有降到 0。",
    "Which curves come down to 0, and which do not?": "哪些曲线降到了 0，哪些没有？",
    "For how long did the longest wait for a repeat hold a message up (ms)?": "等待重发最长使一条消息耽搁了多久（ms）？",
    "71 ms, more than four messages' time at 60 per second: all of them waited, and came at once.": "71 ms，超过每秒 60 条时四条消息的时间：它们全都等着，然后一起到来。",
    "That is the whole way, with its 20 ms and the wait behind others. What is stall_ms?": "那是全程，包括路上的 20 ms 和排在别人后面的等待。stall_ms 是多少？",
    "That is what every message takes.": "那是每条消息都要花的时间。",
    "That is how long one was held behind others: hold_ms.": "那是有一条被排在前面的耽搁的时间：hold_ms。",
    "That is how many were sent again.": "那是重发的个数。",
    "Look at truth.stall_ms.": "请看 truth.stall_ms。",
}
