"""What lesson 08 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "this asks for the payload of a message, as bytes or text": "这里要的是一条消息的载荷，写成字节或文本",
    "An order for a crate without a width: the script asked the Dictionary for a key that is not there.": "一份没有宽度的箱子订单：脚本向 Dictionary 要了一个不存在的键。",
    "That order has a width, and was obeyed. Which row of the log is tied to which packet?": "那份订单有宽度，也执行了。日志的哪一行与哪个数据包相关？",
    "That one ran into a breakpoint, which is no error: its row of the log is a break.": "那个碰上了断点，而断点不是错误：它在日志中的行是一次中断。",
    "Take the packet of the row whose kind is script_error: both.causes has its row in the capture.": "请取 kind 为 script_error 的那一行的数据包：both.causes 有它在捕获中的行。",
    "It begins the work. Look at self_ms: who spends the time?": "它是工作的开头。请看 self_ms：谁在花时间？",
    "Its time is that of the breakpoint in it: the engine's profiler counts standing still, too.": "它的时间是其中断点的时间：引擎的分析器把停住的时间也算进去。",
    "Everything is called from there. Look at self_ms, not at total_ms.": "一切都从那里调用。请看 self_ms，不要看 total_ms。",
    "this asks for the name of a function, as text, not for a {v1}": "这里要的是函数的名字，写成文本，而不是 {v1}",
    "find_path: 400 calls in each slow frame. spawn_wave calls it and does next to nothing itself.": "find_path：每个慢帧中调用 400 次。spawn_wave 调用它，自己几乎什么也不做。",
    "Look at watch.functions: which one has many calls and much time of its own?": "请看 watch.functions：哪一个调用次数多，自身时间也多？",
    "How many milliseconds did the longest game frame of watched-game take, not counting breaks?": "watched-game 最长的游戏帧用了多少毫秒（不算中断）？",
    "184.5 ms: eleven frames' time in one, in which nobody was answered.": "184.5 ms：十一帧的时间挤在一帧里，其间谁也得不到回答。",
    "In that frame the game stood in a breakpoint. Look at the others.": "那一帧里游戏停在断点上。请看其他的。",
    "That is a round trip. How long was the game's frame itself?": "那是往返时间。游戏的那一帧本身有多长？",
    "That is how long a frame should take at 60 per second.": "那是每秒 60 帧时一帧应有的长度。",
    "Look at watch.frames.busy_ms, or at stall_ms of both.explained where what is 'frame'.": "请看 watch.frames.busy_ms，或 both.explained 中 what 为 'frame' 的 stall_ms。",
    "watch.frames.sort_values('busy_ms').tail(3): the last one holds the breakpoint.": "watch.frames.sort_values('busy_ms').tail(3)：最后一个含有断点。",
    "Which function of the game does the work that makes these frames long?": "是游戏的哪个函数做的工作让这些帧变长？",
    "watch.functions has self_ms (a function's own time) and total_ms (with those it calls).": "watch.functions 有 self_ms（函数自身的时间）和 total_ms（连同它调用的）。",
    "What was in the packet that made the script fail?": "使脚本出错的那个数据包里是什么？",
    "both.causes has for each row of watch.log the row of its packet in the capture.": "both.causes 给出 watch.log 每一行的数据包在捕获中的行。",
    "For how many seconds did the game stand still in the breakpoint?": "游戏在断点处停了多少秒？",
    "1.4 s. Five seconds would have been enough for the peers of a multiplayer game to give up on it.": "1.4 s。五秒就足以让多人游戏的对端放弃它。",
    "In milliseconds. And in seconds?": "那是毫秒。换成秒呢？",
    "That is the other break: the failed script, which was told to go on at once.": "那是另一次中断：出错的脚本，立刻被命令继续。",
    "Look at watch.break_times.stood_ms.": "请看 watch.break_times.stood_ms。",
}
