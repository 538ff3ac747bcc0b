"""What lesson 12 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "How wide is the interval of the very first exchange (ms)?": "第一次交换的区间有多宽（ms）？",
    "11.3 ms: the round trip of 11.3 ms, less the 0.04 ms that the game took to answer.": "11.3 ms：往返时间 11.3 ms，减去游戏回答所用的 0.04 ms。",
    "That is in microseconds; this asks for milliseconds.": "那是微秒；这里要的是毫秒。",
    "That is the mean of all. The first one alone?": "那是所有的平均值。只看第一次呢？",
    "That is the narrowest of all. The first one?": "那是所有区间中最窄的。第一次的呢？",
    "Look at high - low: one width per exchange, in microseconds.": "请看 high - low：每次交换一个宽度，以微秒计。",
    "By how many milliseconds is the average of all middles wrong?": "所有中点的平均值错了多少毫秒？",
    "4.4 ms: half of the average wait for a frame. However many exchanges there are, it stays: what errs to one side only is not averaged away.": "4.4 ms：等待一帧的平均时间的一半。无论交换多少次都不变：只偏向一边的误差，不会被平均掉。",
    "The size is right. Which of the two is larger?": "大小是对的。两者中哪个更大？",
    "That would be so if both ways took equally long. Calculate it.": "如果两个方向用时相同，就会是这样。请算一算。",
    "That is the mean width. The middle lies half of it away.": "那是平均宽度。中点偏离它的一半。",
    "That is the one that is furthest off. And on average?": "那是偏得最远的一个。平均呢？",
    "Look at middle - best: one error per exchange, in microseconds.": "请看 middle - best：每次交换一个误差，以微秒计。",
    "How wide is the interval that lies in all intervals of udp-30fps (µs)?": "落在 udp-30fps 所有区间之内的那个区间有多宽（µs）？",
    "157 µs, although its exchanges take 17 ms on average: the fastest probe and the fastest answer tell it all.": "157 µs，尽管它的交换平均要 17 ms：最快的探测和最快的回答就说明了一切。",
    "That is the game at 60 frames per second.": "那是每秒 60 帧的游戏。",
    "That is its narrowest single interval. The common one is a little narrower still.": "那是它最窄的单个区间。共同的区间还要更窄一点。",
    "That is the average width. The offset lies in all of them, so what do they have in common?": "那是平均宽度。偏移落在所有区间之内，那么它们的共同部分是什么？",
    "That is in milliseconds; this asks for microseconds.": "那是毫秒；这里要的是微秒。",
    "That is twice `error_us`, which lets the clock drift. Take a fixed offset here.": "那是 `error_us` 的两倍，它允许时钟漂移。这里请取固定的偏移。",
    "The lowest upper end less the highest lower end, of gd.sample('udp-30fps').": "最低的上端减去最高的下端，样本是 gd.sample('udp-30fps')。",
    "Run the first cells with gd.sample('udp-30fps').": "用 gd.sample('udp-30fps') 运行前几个单元格。",
    "After how many seconds is an offset wrong by a millisecond, at 30 ppm?": "以 30 ppm 计，偏移过多少秒会错一毫秒？",
    "1,000 µs at 30 µs per second: 33 seconds. So an offset needs a date, and an error that grows.": "每秒 30 µs，1,000 µs 就是 33 秒。所以偏移需要注明时间，误差也会增长。",
    "30 ppm are 30 µs per second. How long until that is 1,000 µs?": "30 ppm 是每秒 30 µs。多久会到 1,000 µs？",
    "The other way round: how many seconds for 1,000 µs, at 30 µs per second?": "反过来：每秒 30 µs，1,000 µs 要多少秒？",
    "That would be a second of error. A millisecond is 1,000 µs.": "那会是一秒的误差。一毫秒是 1,000 µs。",
    "One ppm is one microsecond per second.": "一 ppm 是每秒一微秒。",
    "30 ppm are 30 microseconds per second.": "30 ppm 是每秒 30 微秒。",
}
