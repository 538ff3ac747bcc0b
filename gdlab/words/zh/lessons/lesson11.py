"""What lesson 11 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "How many of the 600 messages of `other` did the server get?": "`other` 的 600 条消息中，服务器收到多少条？",
    "All 600. The way up is healthy, whatever the client misses.": "600 条全部收到。无论客户端缺少什么，上行是健康的。",
    "That is how many it answered, or how many answers came back. What came in?": "那是它回答的条数，或回来的回答数。进来的是多少？",
    "That is how many answers are missing.": "那是缺少的回答数。",
    "That is all rows of its capture: those that came in and those that went out.": "那是它的捕获的所有行：进来的和出去的。",
    "That is the first mystery, m. The question is about `other`.": "那是第一个谜 m。问的是 `other`。",
    "Count the rows of other.server with direction `in`.": "请数 other.server 中方向为 `in` 的行。",
    "Where is the fault of `other`?": "`other` 的故障在哪里？",
    "In the server: 600 came in, 568 went out, and all of those came back. No network lost anything.": "在服务器里：进来 600 条，出去 568 条，而这些全都回来了。网络什么也没有丢。",
    "All 600 came to the server: nothing is wrong on the way up.": "600 条全部到了服务器：上行没有问题。",
    "That is the trap: answers are missing, but 568 set out and 568 came back.": "这正是陷阱：缺少回答，但发出 568 条，回来 568 条。",
    "Which part of it? Each lets through all that it is given.": "是其中哪一段？每一段都放行了交给它的全部。",
    "Answer with 'a', 'b' or 'c', or with the place's name.": "请用 'a'、'b' 或 'c'，或地点的名称回答。",
    "The row with losses. `relay` stands for the server here.": "有丢失的那一行。这里的 `relay` 代表服务器。",
    "What share of the messages is missing there (%)?": "那里缺少多大比例的消息（%）？",
    "32 of 600, 5.3 %. Set were 6 %: chance took a little less.": "600 条中的 32 条，5.3 %。设置的是 6 %：偶然少丢了一点。",
    "That is how many. How many per cent is that of 600?": "那是个数。占 600 的百分之几？",
    "That is what arrived. What is missing?": "那是到达的。缺少的是多少？",
    "32 of the 568 that came back. Of how many that came to the server?": "那是回来的 568 条中的 32 条。到达服务器的有多少条？",
    "That is the first mystery, m.": "那是第一个谜 m。",
    "That is what was set, and a good guess. What do the captures show?": "那是设置的值，也是不错的猜测。捕获显示的是多少？",
    "The column `loss` of where_lost, in the row of the server, in per cent.": "where_lost 中服务器那一行的 `loss` 列，以百分数表示。",
    "What can not be had by subtracting where the two captures have no common clock?": "两份捕获没有共同的时钟时，什么不能靠相减得到？",
    "The one-way delay: the difference of two clocks' times is the delay and the difference of the clocks.": "单程延迟：两个时钟的时间之差，是延迟加上两个时钟的差。",
    "Numbers are compared, no times: that works anywhere.": "比较的是编号，不是时间：在哪里都行得通。",
    "They are counted in one capture, without any clock.": "它们在一份捕获里就能数出来，不需要任何时钟。",
    "Which of them subtracts a time of one computer from one of another?": "其中哪一个是用一台电脑的时间减去另一台的时间？",
}
