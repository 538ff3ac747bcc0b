"""What findings report about a game's multiplayer traffic, in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "enet-throttle": Advice(
        "{who}的 ENet 自己丢掉了 {numbered:,} 个不可靠数据包中的 {missing:,} 个；与网络无关{rose}。",
        "在离发送方最近的地方，不可靠数据包的编号有 {missing:,} 处缺口，而 {reliable:,} 个可靠命令在那里全部按顺序通过",
        "往返时间上升时请少发送不可靠的内容，或不让 ENet 节流：ENetPacketPeer.throttle_configure(interval, acceleration, "
        "deceleration)，把 deceleration 设为 0。get_statistic(PEER_PACKET_THROTTLE) 可以从内部看到它：32 为全开，"
        "0 则不发送任何不可靠的内容。",
        "往返时间变长时，哪怕只是因为对方一时变慢，ENet 也会当作线路已满，在最多五秒内少发送不可靠的数据包。"
        "这是没有丢包的网络上的丢失。",
    ),
    "lost-before-capture": Advice(
        "{who}的 {numbered:,} 个不可靠数据包中有 {missing:,} 个没有到达捕获的地方：丢失在到那里的路上，"
        "或被发送方的 ENet 丢掉了。",
        "{told}",
        "请在发送方的机器上捕获，或在它旁边放一个 gd.relay：在那里就缺少的，从未发出过。",
        "编号中的缺口说明缺少了什么，捕获的位置说明缺在哪里。",
    ),
    "network-loss": Advice(
        "网络丢失了：{parts:，}。",
        "{counts:；}；有 {gone:,} 个不可靠数据包再也找不回来",
        "可靠的调用由 ENet 重发，会迟到；不可靠的内容要这样发送：有了下一个，丢失的那个就不再需要。",
        "路上的丢失要在两处捕获之间才看得出来，只看一处永远看不出来。",
    ),
    "stood-still/peer": Advice(
        "{who}有 {seconds:.1f} 秒没有发送任何数据，而{other}一直在追问；{end}。",
        "这段时间里有 {repetitions:,} 次重发，其中一个命令重发了 {tries:,} 次，每次等待的时间加倍",
        "它是在调试器的中断里、在加载，还是被挂起了？中断（包括脚本出错时的中断）也会停住网络；"
        "ENet 的对端 5 到 30 秒不回答就会被放弃。",
        "ENet 以加倍的等待重发，并放弃一直静默的对端。",
    ),
    "slow-side": Advice(
        "{who}有约 {seconds} 秒回答得慢：{worst_ms:.0f} 毫秒，而平时是 {usual_ms:.0f}。慢的是它的帧，不是路径。",
        "每秒的中位数：{who}为 {least_ms:.0f} 到 {worst_ms:.0f} 毫秒，同样的几秒里另一方最多 {other_ms:.0f} 毫秒",
        "请看{who}当时在做什么：加载、机器繁忙、帧率变低。",
        "游戏每帧读一次网络，所以一个长帧看上去就像一段长路，而且只对一方如此。",
    ),
    "bandwidth-hog": Advice(
        "{node}.{method} 占 RPC 字节的 {share:.0%}（{total:kB} 中的 {size:kB}，每秒 {per_second:.0f} 次调用）；"
        "在线路上它占 {wire:kB}。",
        "{path} 上 n = {calls:,} 次调用，每次 {mean:.0f} 字节",
        "请只发送变化的部分，少发送几次，或用 packed 数组；gd.sizes(value, as_rpc=...) 显示一次调用要多少字节。",
        "大部分流量来自少数几个方法：先测量，再决定把哪个变小。",
    ),
    "broadcast": Advice(
        "{method} 每次发给 {peers:.0f} 个对端：编辑器显示 {shown:kB}，实际发送了 {sent:kB}。",
        "{path} 上 {calls:,} 次调用用了 {packets:,} 个数据包",
        "请按玩家人数计算：两个人时没有问题的，八个人时要四倍。",
        "互联网上没有广播：对 n 个对端的 rpc() 就是 n 个数据包，而性能分析器只算一个。",
    ),
    "relayed-by-server": Advice(
        "{clients:,} 个客户端的 {calls:,} 次调用是给其他客户端的：每次都先上到服务器再下来，每个接收方一个数据包，"
        "而没有性能分析器计算下行的部分。",
        "转发数据包上行 {up:kB}，下行 {down:kB}",
        "请只调用服务器（rpc_id(1, ...)），让它把内容一次转告其他人。",
        "客户端之间不直接相通：一个客户端发给另外 n 个，就是上行 n 个数据包、下行 n 个数据包。",
    ),
    "small-calls": Advice(
        "{who}每帧约有 {per_frame:.0f} 次调用，各用一个数据报：每个数据报的 {whole:.0f} 字节中有 {headers:.0f} 字节是头部。",
        "n = {calls:,} 次调用，每次 {size:.1f} 字节；有 {frames:,} 帧含 {many} 次以上",
        "请把一帧要发送的内容收集起来，用一次带数组的调用发送。",
        "每个 RPC 都是单独的数据报：无论多短，都有 38 字节的头部。",
    ),
    "unreliable-fragments": Advice(
        "一次 {size:kB} 的调用以不可靠方式分成 {pieces:,} 个分片传送：按{at}，这样的调用有 {failing:.0%} 会失败。",
        "有 {calls:,} 次不可靠的调用超过 1364 字节，最大的是 {path}.{method}",
        "请以可靠方式发送，或分成单独也有用的几部分。",
        "丢失一个分片就丢失整个数据包：n 个分片失败的机会是 n 倍。",
    ),
    "path-unconfirmed": Advice(
        "{path} 只存在于一方：{missing}从未确认它。{extra}",
        "{missing}又继续通信了 {seconds:.1f} 秒，其间没有 confirm_path",
        "请在调用之前，在{missing}上以相同的名称和父节点加入这个节点：MultiplayerSpawner 就是做这个的，"
        '对后加入的玩家也有效。它的错误信息："Node not found"、"Failed to get path from RPC"。',
        "RPC 按路径寻找节点：调用的那一刻，双方必须有相同的节点树。",
    ),
    "automatic-name": Advice(
        "{name} 是自动生成的名称：在另一方，{path} 是别的节点，或者不存在。",
        "名称以 @ 开头",
        "add_child(node, true) 会生成可读的名称，也可以在加入之前设置 node.name；双方要相同。",
        "引擎自动生成的名称，各个进程都不同。",
    ),
    "rpc-lists-differ": Advice(
        "双方在 {node} 上的 RPC 方法不同：调用会执行别的方法{told}。",
        '另一方对路径 {path} 回答 "not the same methods"，或发来了它自己的另一个 MD5',
        "请让双方使用相同的脚本，至少要有相同的 @rpc 函数列表，包括基类脚本。服务器与客户端要一起更新。",
        "方法以它在排好序的名称列表中的位置传送；多一个名称，后面的就全部错位。",
    ),
    "not-allowed": Advice(
        "被忽略：{sender} 对 {node}.{method} 的调用，只有 authority {authority} 可以调用它。",
        "这是接收方自己的错误信息；数据包中有 {calls:,} 次这样的调用",
        '@rpc("any_peer") 允许其他人调用它；这时请在函数里检查 multiplayer.get_remote_sender_id()。'
        "或用 set_multiplayer_authority 把节点交给它的玩家。",
        "默认情况下，只有节点的 authority 可以调用它的 RPC；调用方不会得知自己被忽略。",
    ),
    "state-too-big": Advice(
        "{path} 的状态有 {size} 字节，而上限是 {most}：它根本不会发送。",
        "这是发送方自己的错误信息；数据包里什么也没有",
        "请减少每次都发送的属性，多用变化时发送，或调大 SceneMultiplayer.max_sync_packet_size（超过 MTU 的数据包会分片）。",
        "一个同步数据包放不下的会被略去，而且只有发送方的日志里看得到。",
    ),
    "empty-sync": Advice(
        "有 {empty:,} 个同步数据包是空的：几乎填满 1350 字节上限的状态，每次都会在自己前面多发一个空包，"
        '接收方则报告 "Invalid sync packet received"。',
        "每个 3 字节；旁边有 {full:,} 个最大 {largest} 字节的同步数据包",
        "请让状态小于 1340 字节。这是引擎的错误，没有别的害处。",
        "上限包含谁也看不见的头部。",
    ),
    "sync-not-counted": Advice(
        "编辑器只显示了您的同步器字节数的 {share:.0%}：变化时发送的部分从不计入。",
        "{total:,} 字节的值中显示了 {shown:,}；其余的大部分是 {most}",
        "请采用 summary() 的数值，而不是网络性能分析器的。",
        "增量以可靠方式发送，不在性能分析器查看的范围之内。",
    ),
    "spawn-sent-twice": Advice(
        "有 {spawns:,} 次 spawn 之后紧跟着一个带有相同值的增量（{size:kB}）。",
        "每个 spawn 出来的同步器的第一个增量，都与 spawn 的值相同",
        "这是引擎处理变化时发送的属性的方式；如果在意，请把它们从 spawn 中去掉（spawn = off）。",
        "同步器会把所有变化时发送的属性先发送一次，包括 spawn 已经带上的。",
    ),
    "sender-frame-rate": Advice(
        "{who}以每秒 {fps:.0f} 帧运行。",
        "它的同步数据包的计数器在 {seconds:.1f} 秒内走了 {frames:,} 步",
        "两帧之间什么也不会发出：慢的发送方更新别人，不会比它自己绘制更快。",
        "对方的帧率就在线路上。",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "who/server": "服务器",
    "who/client": "客户端 {number} ",
    "who/address": "客户端 {peer} ",
    "enet-throttle/rose": "；每秒的往返时间从 {low_ms:.0f} 毫秒升到 {high_ms:.0f} 毫秒",
    "lost-before-capture/late": (
        "{reliable:,} 个可靠命令中有 {late:,} 个第一次出现时已在后面的命令之后：到这里的路上有丢包"
    ),
    "lost-before-capture/few": "只有 {reliable:,} 个可靠命令通过，太少，无法判断",
    "network-loss/to": "到{who}的 {share:.0%}",
    "network-loss/from client": "来自客户端的 {seen:,} 个数据报中有 {lost:,} 个",
    "network-loss/from server": "来自服务器的 {seen:,} 个数据报中有 {lost:,} 个",
    "stood-still/answered": "之后{who}又开始回答",
    "stood-still/gave up": "{other}在最后一次收到它的数据 {seconds:.1f} 秒之后放弃了",
    "unreliable-fragments/measured": "这里测得的丢包率（{percent:.1f} %）",
    "unreliable-fragments/assumed": " {percent:.0f} % 的丢包率",
    "path-unconfirmed/calls": "它有 {calls} 次调用在那里失败，每次带着 {path_bytes:,} 字节的路径。",
    "path-unconfirmed/syncs": "没有对应节点的同步器，什么也不会发送。",
    "rpc-lists-differ/lists": "（{one}：{first:、}；{other}：{second:、}）：{wrong:，}",
    "rpc-lists-differ/one": "一方",
    "rpc-lists-differ/other": "另一方",
    "rpc-lists-differ/runs": "{method} 执行 {other}",
    "rpc-lists-differ/nothing": "{method} 什么也不执行",
}
