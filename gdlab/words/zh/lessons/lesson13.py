"""What lesson 13 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "this asks for what gd.course.playable(send, draw, seed=...) returned": "这里要的是 gd.course.playable(send, draw, seed=...) 返回的结果",
    "{v1}: {v2:.1f} {v3}, and at most {v4:g} are allowed. It counts {v5}.": "{v1}：{v2:.1f} {v3}，而最多允许 {v4:g}。它数的是 {v5}。",
    "Run playable(...) again after each change, and look at one number at a time.": "每次改动后再运行 playable(...)，一次只看一个数字。",
    "Send at most 2,000 bytes per second, headers included.": "每秒最多发送 2,000 字节，包括头部。",
    "Fewer datagrams save most: each has 28 bytes of headers, whatever is in it.": "少发数据报省得最多：每个都有 28 字节的头，无论里面是什么。",
    "How often must a position be sent, if the screen fills in what lies between?": "如果屏幕会补上中间的部分，位置要多久发送一次？",
    "if state['frame'] % 4: return None; and struct.pack('<Hff', ...) is shorter than JSON.": "if state['frame'] % 4: return None；而 struct.pack('<Hff', ...) 比 JSON 短。",
    "Let every door open, once.": "让每扇门都打开，而且只开一次。",
    "What must not be lost is said again until it must have arrived, and has a number, so that it counts once.": "不能丢的内容要一再发送，直到必定已经到达，并带有编号，使它只算一次。",
    "A datagram is lost with 2 %, two in a row with 0.04 %. What if each door is in several of them?": "一个数据报丢失的概率是 2 %，连续两个是 0.04 %。如果每扇门都在好几个里面呢？",
    "Put the doors of the last quarter of a second into each datagram; draw keeps a set of those it opened.": "把最近四分之一秒的门放进每个数据报；draw 用一个集合记住已打开的。",
    "Draw the other player smoothly, and at most 200 ms late.": "平滑地绘制另一个玩家，最多晚 200 ms。",
    "A buffer turned jitter into a little delay, and straight lines between two updates fill the frames.": "缓冲区把抖动变成了一点延迟，两次更新之间的直线填满了各帧。",
    "Do not draw what came last: draw where the player was some time ago, between two updates that you have.": "不要画最后到来的：画玩家稍早时所在的位置，在你已有的两次更新之间。",
    "at = now_ms - 180: take the last update before `at`, the first one after it, and the point between them.": "at = now_ms - 180：取 `at` 之前的最后一次更新和之后的第一次，以及它们之间的点。",
    "Make the game playable: all six numbers, with your own name as the seed.": "让游戏可玩：六个数字全部达标，用你自己的名字作种子。",
    "It is playable at 150 ms and 2 % loss. Few games that were made in a hurry are.": "在 150 ms 和 2 % 丢失下它可以玩了。赶工做出来的游戏很少能做到。",
    "Not yet: {over} of {count} numbers are over.": "还不行：{count} 个数字中有 {over} 个超出。",
    "Playable.": "可以玩了。",
    "at most {limit:g}": "至多 {limit:g}",
    "frames in which the other player jumps or stands": "另一个玩家跳动或停住的帧",
    "how far behind the truth the other player is drawn, at the median": "另一个玩家画得比真实位置落后多久（中位数）",
    "doors that never opened": "从未打开的门",
    "doors that opened twice, or without having been opened": "打开了两次，或没有人开就打开的门",
    "the longest that a door took to open": "一扇门打开所用的最长时间",
    "on the wire, with the headers of UDP and IP": "在线路上，包括 UDP 和 IP 的头部",
}
