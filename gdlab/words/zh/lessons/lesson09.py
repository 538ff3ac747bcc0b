"""What lesson 09 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "Which method takes the bandwidth of mp-hog?": "mp-hog 中哪个方法占用了带宽？",
    "World.state: 95 % of the bytes of all calls, 120 of them with 240 bytes each.": "World.state：占所有调用字节的 95 %，120 次，每次 240 字节。",
    "It is called two thirds as often, and each call is tiny. Look at the bytes.": "它的调用次数是三分之二，而每次都很小。请看字节数。",
    "Four calls. Which one has the widest bar?": "四次调用。哪一个的条最宽？",
    "That is ENet's own, and 2 %. Which method of the game?": "那是 ENet 自己的，占 2 %。是游戏的哪个方法？",
    "Answer with the name of a method, as the table of summary() has it.": "请用方法名回答，写法与 summary() 的表中一样。",
    "game.summary() has the largest first.": "game.summary() 把最大的排在最前。",
    "How many bytes does one move(...) call of 18 bytes take on the wire?": "一次 18 字节的 move(...) 调用在网络上占多少字节？",
    "56: the call has 18, ENet 10, UDP 8 and IP 20. The editor shows 18.": "56：调用 18，ENet 10，UDP 8，IP 20。编辑器显示 18。",
    "That is the call alone. It travels in a datagram.": "那只是调用本身。它装在数据报里传输。",
    "With ENet's 10. UDP and IP are missing.": "加上了 ENet 的 10。还缺 UDP 和 IP。",
    "UDP and IP are in, ENet's 10 are missing.": "UDP 和 IP 有了，缺 ENet 的 10。",
    "With UDP's 8 and ENet's 10. IP has a header, too.": "加上了 UDP 的 8 和 ENet 的 10。IP 也有头。",
    "game.explain(number) shows every layer, and calls.wire_bytes the sum.": "game.explain(number) 显示每一层，calls.wire_bytes 是总和。",
    "How many calls of mp-throttle did the ENet of the two games throw away?": "两个游戏的 ENet 扔掉了 mp-throttle 的多少次调用？",
    "433: 219 of the client, 214 of the server. They have a number and never left; the network lost none.": "433：客户端 219，服务器 214。它们有编号却从未发出；网络一个也没有丢。",
    "That is the client's. The server has an ENet of its own.": "那是客户端的。服务器有自己的 ENet。",
    "That is the server's. The client has an ENet of its own.": "那是服务器的。客户端有自己的 ENet。",
    "That is what the network lost. Look at missing_before.": "那是网络丢失的。请看 missing_before。",
    "That is how many came out. How many numbers are missing between them?": "那是发出来的次数。其间缺了多少个编号？",
    "That is how many were called.": "那是调用的次数。",
    "Add up the column missing_before of slow.losses().": "把 slow.losses() 的 missing_before 一列加起来。",
    "losses() has a row for each side and mode; missing_before counts what never passed by.": "losses() 对每一方和每种模式各有一行；missing_before 数的是从未经过的。",
    "The server of mp-late-joiner called only_server on Odd. What ran on the client?": "mp-late-joiner 的服务器在 Odd 上调用了 only_server。客户端上运行的是什么？",
    "owners: number 1 in the client's list. A method travels as its place in the sorted list of names, and the two lists differ.": "owners：客户端列表中的 1 号。方法以它在排序后的名称列表中的位置传输，而两份列表不同。",
    "The client has no such method. What stands at its place in the list?": "客户端没有这个方法。它的列表中那个位置上是什么？",
    "It is number 0 in both lists, and the only one that works.": "它在两份列表中都是 0 号，也是唯一正常工作的。",
    "That is number 2. What runs when the server says 1?": "那是 2 号。服务器说 1 时，运行的是什么？",
    "Something ran, and that is the trouble. Read the finding rpc-lists-differ.": "确实运行了什么，麻烦就在这里。请读发现 rpc-lists-differ。",
    "game.findings() names both lists.": "game.findings() 列出两份列表。",
    "Sort both lists. Which number has only_server, and who has that number on the other side?": "把两份列表排序。only_server 是几号？在另一方那个号是谁？",
}
