"""What lesson 01 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "this asks for a function: give its name, without calling it": "这里要的是一个函数：给出它的名字，不要调用它",
    "On {payload!r} your function returns nothing. Is there a `return` on every way?": "对 {payload!r}，你的函数什么也没有返回。每条路径上都有 `return` 吗？",
    "{said} is the right sum, but a number is no message: send it as text, with str() around it.": "{said} 是正确的和，但数字不是消息：请用 str() 把它转成文本再发送。",
    "On {payload!r} the answer should be '{total}', and your function says {said!r}.": "对 {payload!r}，答案应该是 '{total}'，而你的函数给出的是 {said!r}。",
    "{payload!r} is no sum, and your function answers {said!r}. Return None for what needs no answer: whoever answers everything may end up answering answers.": "{payload!r} 不是求和，而你的函数回答了 {said!r}。不需要回答的请返回 None：什么都回答的程序，最后可能在回答别人的回答。",
    "Your rule answers sums, and leaves alone what it does not understand. That is a protocol.": "你的规则回答求和，不理会它不懂的内容。这就是协议。",
    "How many times does the game greet?": "游戏打了几次招呼？",
    "Four greetings: the game sends one in each frame, and reads its answer only in a later frame. Nothing was lost; it just did not know yet.": "四次：游戏每帧发送一次，而要到后面的帧才读到回答。什么都没有丢失，它只是还不知道。",
    "That counts our answers, too: they have the direction `out`.": "这把我们的回答也算进去了：它们的方向是 `out`。",
    "It says the same thing again until it has read an answer. Count the rows with this payload.": "在读到回答之前，它会重复同一句话。请数一数载荷是它的行。",
    "Nearly: count the first one, too.": "差一点：第一次也要算。",
    "Count the rows whose payload is the greeting and whose direction is `in`.": "请数载荷是招呼、方向是 `in` 的行。",
    '`payload` holds bytes: compare it with b"The answer is... 42!".': '`payload` 里是字节：请与 b"The answer is... 42!" 比较。',
    'One way: (table.payload == b"The answer is... 42!").sum()': '一种做法：(table.payload == b"The answer is... 42!").sum()',
    "How many bytes travel for one greeting, headers included?": "一次招呼在网络上要走多少字节，包括头部？",
    "20 bytes of text, 8 of UDP header, 20 of IP header: more header than message. That is why games put several things into one packet.": "20 字节文本，8 字节 UDP 头，20 字节 IP 头：头部比消息还多。所以游戏会把几件事放进一个数据包。",
    "That is the payload alone. What other column tells of bytes?": "那只是载荷。还有哪一列与字节有关？",
    "That is the headers alone; the text travels, too.": "那只是头部；文本也要走。",
    "That is the greeting over IPv6; 127.0.0.1 is IPv4.": "那是 IPv6 上的招呼；127.0.0.1 是 IPv4。",
    "Look at the columns `size_bytes` and `wire_bytes` of the first row.": "请看第一行的 `size_bytes` 和 `wire_bytes` 两列。",
    "There are two columns with bytes in their name.": "有两列的名字里有 bytes。",
    "The game sends to port 4242, and you listen on 4243. What does put_packet tell the game?": "游戏发往端口 4242，而你在 4243 上监听。put_packet 告诉游戏什么？",
    "OK, every time. UDP hands the packet to the network and asks no more: nobody home is no error.": "每次都是 OK。UDP 把数据包交给网络就不再过问：没人在家不算错误。",
    "The system may well learn that nobody listens, but put_packet goes on returning OK. (In Godot 4.6 only get_available_packet_count shows it, as -1, after connect_to_host.)": "系统也许知道没有人监听，但 put_packet 仍然返回 OK。（在 Godot 4.6 中，只有 connect_to_host 之后的 get_available_packet_count 以 -1 表明这一点。）",
    "A timeout needs somebody who waits for an answer; UDP does not wait.": "超时需要有人在等待回答；UDP 不等待。",
    "Answer with 'a', 'b' or 'c'.": "请用 'a'、'b' 或 'c' 回答。",
    "UDP has no connection. Who could tell the game?": "UDP 没有连接。谁能告诉游戏呢？",
    "Write a reply rule that answers sums such as '2 + 3', and nothing else.": "写一条回答规则：回答 '2 + 3' 这样的求和，其他一概不答。",
    "message.text is the message as text. What does '2 + 3'.split(' + ') give?": "message.text 是消息的文本。'2 + 3'.split(' + ') 得到什么？",
    "Split at ' + '; if that gives two parts, return str(int(a) + int(b)), else return None.": "以 ' + ' 分割；如果得到两部分，返回 str(int(a) + int(b))，否则返回 None。",
}
