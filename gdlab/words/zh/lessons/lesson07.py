"""What lesson 07 says of answers, in Chinese; by the English, as it stands in the lesson."""

from __future__ import annotations

from typing import Final

SAID: Final[dict[str, str]] = {
    "give one column of rates; that table has {v1}": "请给出一列速率；那张表有 {v1}",
    "this asks for the rates of the players, as a column or a dict such as {1: 10.0, ...}": "这里要的是各玩家的速率，写成一列，或 {1: 10.0, ...} 这样的字典",
    "There are the players 1, 2 and 3; your answer is about {v1!r:.80}.": "玩家有 1、2 和 3；你的答案说的是 {v1!r:.80}。",
    "Those are messages. Divide by the seconds that each player sent.": "那是消息数。请除以每个玩家发送的秒数。",
    "Those are the milliseconds between two messages. How many of them fit into a second?": "那是两条消息之间的毫秒数。一秒里有多少个？",
    "Player {v1} does not send {v2:.1f} messages per second. How many messages, and how many seconds lie between its first and its last one?": "玩家 {v1} 每秒发送的消息不是 {v2:.1f} 条。它有多少条消息？从第一条到最后一条有多少秒？",
    "10, 30 and 10 per second: what the games were asked to do.": "每秒 10、30 和 10 条：正是让各游戏做的。",
    "this asks for the path that to_csv(...) gives back": "这里要的是 to_csv(...) 返回的路径",
    "There is no file {v1!r} in this folder.": "这个文件夹里没有文件 {v1!r}。",
    "The file has no peers at all. Export the sample three-players.": "文件里根本没有对端。请导出样本 three-players。",
    "Addresses are still in it, such as {v1}. to_csv has an argument for that.": "里面还有地址，例如 {v1}。to_csv 有一个参数可以处理。",
    "No addresses, but only {v1} rows: the session had more.": "没有地址了，但只有 {v1} 行：这次会话的行更多。",
    "{v1} rows of {v2}. Payloads are not touched: look into yours first.": "{v2} 行中的 {v1} 行。载荷不会改动：请先看看你自己的载荷。",
    "Which player of three-players sends the most bytes?": "three-players 中哪个玩家发送的字节最多？",
    "Player 2: three times as many messages of the same size.": "玩家 2：同样大小的消息，数量是三倍。",
    "Its messages are as large as those of player 2. How many are there?": "它的消息与玩家 2 的一样大。有多少条？",
    "Player 3 sends JSON, in the smallest messages of the three.": "玩家 3 发送 JSON，是三者中最小的消息。",
    "That is how many bytes. Of which player?": "那是字节数。是哪个玩家的？",
    "That is how many messages. Of which player?": "那是消息数。是哪个玩家的？",
    'Group by v.id: table.groupby("v.id").size_bytes.sum()': '按 v.id 分组：table.groupby("v.id").size_bytes.sum()',
    "How many messages per second does each player send?": "每个玩家每秒发送多少条消息？",
    "Count messages, and divide by the seconds between the first and the last one.": "数出消息数，除以第一条与最后一条之间的秒数。",
    "Export three-players without anybody's address, and give the path.": "导出 three-players，不含任何人的地址，并给出路径。",
    "to_csv has an argument `anonymise`.": "to_csv 有参数 `anonymise`。",
    "A player's name is '=1+1'. What stands in the CSV?": "一个玩家的名字是 '=1+1'。CSV 里写的是什么？",
    "An apostrophe stands before it, so that a spreadsheet shows the name and does not calculate it; gd.load takes it away again. With raw=True it is written as it came.": "前面加了一个撇号，使电子表格显示这个名字而不去计算；gd.load 会把它去掉。用 raw=True 则原样写出。",
    "Then a spreadsheet would calculate it, and a formula can do worse than add.": "那样电子表格就会计算它，而公式能做的坏事不止加法。",
    "Nothing of what was captured is left out.": "捕获的内容不会略去任何部分。",
    "What would a spreadsheet do with a cell that begins with = ?": "电子表格会怎样处理以 = 开头的单元格？",
}
