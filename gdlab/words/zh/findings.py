"""What findings report about any traffic, in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Advice

_ONLY_WORD: Final = "关于原因，只有关闭码可看；没有关闭连接就退出的程序不会发送关闭码。"
_CUT_OFF: Final = Advice(
    "这次捕获没有正常结束：最后的几行可能缺失。",
    "写下了 {written:,} 行，历时 {seconds:.1f} 秒；没有任何依据说明本应有多少行",
    "可能缺少多少，请看文件的说明；最后几秒的数值只能当作下限。请用 stop() 或 with 语句块结束捕获。",
    "被截断的文件，看上去就像后来什么都没有发生。",
)
_UNANSWERED: Final = Advice(
    "没有对端回答 ping：因此没有往返时间。",
    "向 {mute:,} 个对端发送了 {sent:,} 个 ping，0 个得到回答，{lost:,} 个已放弃等待",
    '请把 cap.gdscript("echo") 的脚本粘贴到游戏里：它会把每个 ping 发回来。或用 cap.set_ping(None) 关掉 ping。',
    "ping 也是普通的消息：只有会回答它的程序才能产生往返时间。",
)


def _closed(code: int, meaning: str, next_step: str, *, by_gdlab: bool = False) -> Advice:
    who = f"被 gdlab 以 {code} 关闭" if by_gdlab else f"以 {code} 结束"
    return Advice(
        f"{{connections:,}} 个 WebSocket 连接中有 {{ended:,}} 个{who}：{meaning}。",
        f"{{ended:,}} 行有关闭码 {code}" + ("，由 gdlab 发送" if by_gdlab else ""),
        next_step,
        _ONLY_WORD,
    )


_BINARY_FRAMES: Final = "字节请作为二进制帧发送（put_packet、send），只有文本才用 send_text。"

#: By rule, or by rule and case.
FINDINGS: Final[dict[str, Advice]] = {
    "nothing-arrived": Advice(
        "没有收到任何数据。",
        "收到 0 条消息，发出 {sent:,} 条，{errors:,} 个错误，各行历时 {seconds:.1f} 秒",
        "游戏是否在运行，是否发送到这个地址和端口？要从另一台机器接收，请在监听时写 host='lan'。导出为网页的游戏只能使用 "
        "WebSocket。没有程序在监听时，Godot 不会告诉 UDP 的发送方。",
        "UDP 不报告发送失败：端口写错时，双方看到的都只是静默。",
    ),
    "refused-visitors": Advice(
        "有 {times:,} 个连接在消息到来之前就被拒绝或放弃了。",
        "{times:,} 行：{told:；}",
        "每一行都说明哪一部分不对。被拒绝的访客说明有人找到了端口：地址是对的，所用的协议不对。",
        "握手失败总是失败在某一部分；原因写在应答里，而游戏不显示它。",
    ),
    "nobody-there": Advice(
        "有 {times:,} 次连接尝试失败了。",
        "{times:,} 行：{told:；}",
        "请先启动服务器，并核对它监听的地址、端口和协议。",
        "连接需要另一端有程序；被拒绝至少说明那台机器在。",
    ),
    "refused-datagrams": Advice(
        "我们发出的 {times:,} 个数据报没有到达任何程序：那里没有程序在监听。",
        "{times:,} 行：{told:；}",
        "请先启动游戏，并确认它的 UDPServer 或 PacketPeerUDP 绑定了这个端口。",
        "UDP 没有连接，但对方的系统可能会回答端口已关闭；Godot 不显示这一点。",
    ),
    "sub-protocol": Advice(
        "有 {times:,} 个 WebSocket 连接没有双方都支持的子协议。",
        "{times:,} 行：{told:；}",
        "请在监听时写 subprotocols=[...]，其中有游戏提供的名称；或者不写，以接受任何一个。",
        "子协议在握手中商定，客户端没有得到时可能会离开。",
    ),
    "encrypted": Advice(
        "有 {times:,} 个连接对不加密的端口使用 TLS。",
        "{times:,} 行：{told:；}",
        "捕获时请在游戏中使用 tcp:// 和 ws://，或在解密之后的位置捕获。",
        "加密的字节只显示大小和时间，别无其他。",
    ),
    "left": Advice(
        "有 {gone:,} 个客户端来了，没有发送任何数据就离开了。",
        "{peers:,} 个对端中有 {gone:,} 个没有发消息就断开了连接",
        "游戏是否在关闭之前发送，并一直调用 poll() 直到发完？disconnect_from_host() 会丢弃等待发送的数据。",
        "连接结束时，还没有发出的数据也随之丢失。",
    ),
    "bytes-waiting": Advice(
        "一条消息已收到 {held:,} 字节，其余部分还没有到。",
        "有 {held:,} 字节在等待消息的其余部分",
        "如果游戏还在发送，请等待；否则分帧方式不对：cap.reframe(...) 会重新读取。",
        "在流中，消息在分帧方式所说的地方结束，而不在数据包结束的地方。",
    ),
    "bytes-waiting/of": Advice(
        "一条 {whole:,} 字节的消息已收到 {held:,} 字节，其余部分还没有到。",
        "{whole:,} 字节中已有 {held:,} 字节",
        "如果游戏还在发送，请等待；否则分帧方式不对：cap.reframe(...) 会重新读取。",
        "在流中，消息在分帧方式所说的地方结束，而不在数据包结束的地方。",
    ),
    "connected-and-silent": Advice(
        "{peers:,} 个对端中有 {silent:,} 个已连接却没有发送任何数据：{names:、}。",
        "连接之后最长静默了 {seconds:.1f} 秒；收到 0 条消息",
        "在 Godot 4 中，不调用 poll()，StreamPeerTCP 和 WebSocketPeer 就什么也不做：请在 _process 中先调用它，再调用 "
        "get_status() 或 get_ready_state()。",
        "连接由操作系统建立；程序是否使用它，是另一回事。",
    ),
    "connected-and-silent/server": Advice(
        "{names:、} 接受了我们的连接，却没有发送任何数据。",
        "连接之后最长静默了 {seconds:.1f} 秒；收到 0 条消息，发出 {sent:,} 条",
        "只接收的游戏也是静默的。如果它应当回答：Godot 4 的服务器用 take_connection() 接受连接；使用 WebSocket 时，不调用 "
        "poll() 就什么也读不到：请在 _process 中调用这两者。",
        "连接由操作系统建立；程序是否使用它，是另一回事。",
    ),
    "enet-unanswered": Advice(
        "有 {peers:,} 个 ENet（Godot 的高层多人联机）客户端在寻找服务器，却没有得到回答：{names:、}。",
        "{times:,} 次连接请求，此外什么也没有",
        "监听器不是这样的服务器。请让游戏自己的服务器在原处运行，让客户端连接到中继："
        'relay = gd.relay("udp://127.0.0.1:4300", to="udp://127.0.0.1:4242")；relay.multiplayer() 会给出各个调用的名字。',
        "有握手的协议只能在途中旁观，不能站在对方的位置上旁观。",
    ),
    "unanswered-pings": _UNANSWERED,
    "unanswered-pings/some": _UNANSWERED._replace(
        what="{asked:,} 个对端中有 {mute:,} 个没有回答过 ping：{names:、}。"
    ),
    "own-buffer": Advice(
        "有 {dropped:,} 条消息丢失在这次捕获自己的接收缓冲区里，而不是在网络上。",
        "内核的计数器显示丢弃了 {dropped:,} 条，收到了 {n:,} 条",
        "网络路径没有问题。请分成更小的批次发送，或给监听器更大的缓冲区（Linux 上受 net.core.rmem_max 限制）。",
        "到达的数据报，如果没有及时取走，同样会丢失。",
    ),
    "gap": Advice(
        "这次捕获有 {gaps:,} 处缺口；缺口前后的速率和丢失率都只是下限。",
        "{told:；}",
        "请看所指的那些行；如果有行因上限被丢弃，请给捕获更大的上限。",
        "测量应当知道自己没有看到什么。",
    ),
    "close-1002": _closed(
        1002,
        "协议错误",
        "服务器发来带掩码的帧或压缩的帧时，Godot 会这样关闭：请在服务器中关掉压缩。",
    ),
    "close-1006": _closed(
        1006,
        "完全没有关闭帧",
        "游戏退出了、释放了它的对端、调用了 close(-1)，或者网络中断：Godot 退出时不发送关闭帧。退出之前请调用 "
        "close()，并继续轮询几帧。",
    ),
    "close-1007": _closed(1007, "文本不是 UTF-8", _BINARY_FRAMES),
    "close-1009": _closed(
        1009,
        "消息太大，接收方收不下",
        "Godot 的默认值是 65,535 字节：请在连接之前调大 inbound_buffer_size，或每次少发送一些。",
    ),
    "close-1011": _closed(
        1011,
        "出错，或保活 ping 没有得到回答",
        "Python 的 websockets 在 20 秒内没有收到 pong 时会这样关闭。游戏在 poll() 中回答 ping："
        "暂停或卡住的游戏看上去就像死了。请在暂停时也轮询，或设置 ping_interval=None。",
    ),
    "own-close-1002": _closed(
        1002, "对端违反了协议", "关闭之前的那一行 error 事件说明它的帧有什么问题。", by_gdlab=True
    ),
    "own-close-1007": _closed(1007, "文本不是 UTF-8", _BINARY_FRAMES, by_gdlab=True),
    "own-close-1009": _closed(
        1009,
        "消息超过了这次捕获自己的上限",
        "请在创建捕获时调大 max_message_bytes，或每次少发送一些。",
        by_gdlab=True,
    ),
    "frame-rate": Advice(
        "这不是网络的问题，而是帧率：{peer} 每帧回答一次，频率为 {hz:.1f} Hz。",
        "回答落在 {hz:.1f} Hz 的网格上（集中度 {concentration:.2f}，n={n}）；平均往返时间 {rtt_ms:.1f} 毫秒中，"
        "{wait_ms:.1f} 毫秒是在等下一帧，其余为 {path_ms:.2f} 毫秒；等待解释了方差的 {explained:.0%}",
        "要测量网络，请在线程中回答探测消息，或一收到就回答；要更快，请提高帧率（Engine.max_fps），"
        "或以更高的 tick 频率在 _physics_process 中轮询。",
        "每帧只看一次套接字的程序，平均给每条消息增加半帧的延迟。",
    ),
    "nagle": Advice(
        "往返时间集中在 {at_ms} 毫秒附近，这是 Nagle 算法与延迟确认共同造成的。",
        "{of} 个往返中有 {inside} 个在 {low_ms:g} 到 {high_ms:g} 毫秒之间，旁边的 {width_ms:g} 毫秒内有 {beside} 个；"
        "中位数 {median_ms:.1f} 毫秒",
        "请在游戏的 StreamPeerTCP 连接之后调用 set_no_delay(true)（WebSocketPeer 自己会这样做），"
        "或每条消息只用一次调用写出。",
        "Nagle 算法在上一个报文段得到确认之前扣住小报文段（RFC 896）；接收方又推迟确认（RFC 1122）："
        "两者一起等定时器。",
    ),
    "overload": Advice(
        "到 {peer} 的往返时间升到了 {rtt_s:.1f} 秒：消息在一个只增不减的队列里等待。",
        "{seconds:.1f} 秒分成五段，各段的中位数为 {medians_ms: -> } 毫秒，n={n}；其间发出 {asked:,} 条消息，"
        "返回 {heard:,} 条",
        "在游戏中，每帧要读完所有等待的消息：用 `while peer.get_available_packet_count() > 0:`，而不是 `if`。"
        "如果已经这样做了，请少发送一些：游戏或通往它的线路承受不了这么多。",
        "每帧读一条消息的程序每秒读 60 条：如果来了 61 条，每条都比前一条等得更久。",
    ),
    "missing-numbers": Advice(
        "{expected:,} 条有编号的消息中有 {lost:,} 条没有到达：{where}。",
        "{streams:,} 个流中有 {lossy} 个有丢失；最严重的是 {peer}，为 {loss:.1%}"
        "（95 % 置信区间 {low:.1%} 到 {high:.1%}，n={n}）",
        "请数一数发送方实际发出了多少（缓冲区满时 put_packet 会返回错误），再看丢失是否成串：成串的是缓冲区，"
        "零散的是网络路径。",
        "有了每条消息的编号，才看得见丢失；只看到达的消息是看不见的。",
    ),
    "leaping-numbers": Advice(
        "编号向前跳了{leaps:一次| # 次}，共跳过 {leapt:,} 个编号：要么整段丢失，要么从未用过。",
        "{streams:,} 个流中有 {leaping} 个；最多的是 {peer}，在 {most_leaps:,} 次跳跃中跳过 {most_leapt:,} 个编号，"
        "消息数 n={n:,}；它们既不算丢失，也不算应到",
        "请与没有收到数据的时间比较：按平时的速率，这段时间里会缺这么多消息吗？如果不会，请看游戏在哪里设置编号"
        "（新的关卡、另一个计数器、从错误的偏移处读取的消息）。",
        "编号中的空缺，只有在其间的编号确实用过时才是丢失。",
    ),
    "one-a-frame": Advice(
        "{peer} 会回答单独的消息，却丢掉一起到达的消息：它似乎每帧只读一条。",
        "与前一条消息相隔 {apart_ms:g} 毫秒以上的 {first:,} 个 ping 中，{share_first:.0%} 得到回答；"
        "相隔不到 {together_ms:g} 毫秒的 {together} 个中，{share_together:.0%} 得到回答",
        "在游戏中请用 `while peer.get_available_packet_count() > 0:` 读取，而不是 `if`，并保留 "
        "UDPServer.take_connection() 返回的对端：对端被释放时，没有读的数据包也随之消失。",
        "取出比放入慢的队列会丢失消息，无论它在哪里。",
    ),
    "glued-or-split": Advice(
        "TCP 消息到达时粘在一起或被拆开：这个流没有监听器认识的分帧方式。",
        "{chunks:,} 个数据块中，{several} 个含有几个 JSON 值，{parts} 个在一个值的中间开始或结束",
        "发送每条消息时请带上长度（put_var、put_utf8_string、PacketPeerStream），或每行一条，并让监听器使用相应的分帧方式；"
        "framing='json' 可以切分 JSON 值。",
        "TCP 按顺序传送字节，不知道什么是消息：消息在哪里结束，须由两个程序约定。",
    ),
    "over-websocket-buffer": Advice(
        "有 {messages:,} 条发往游戏的 WebSocket 消息超过了它默认的 {most:,} 字节。",
        "发出的 {sent:,} 条消息中最大的有 {largest:,} 字节；Godot 4 会以关闭码 1009 断开连接",
        "请在游戏的 WebSocketPeer 连接之前设置 inbound_buffer_size，或发送更小的消息。",
        "每个接收方都有能接收的最大消息；请在碰到它之前先问清楚。",
    ),
    "over-mtu": Advice(
        "有 {datagrams:,} 个数据报超过了一个以太网帧的容量。",
        "{of:,} 个数据报中最大的有 {largest:,} 字节；超过 {most} 字节（IPv4）的会分成几个 IP 分片传送",
        "请让数据报保持在约 1,200 字节以下，或自己拆分并给各部分编号。",
        "分片的数据报只要丢失一个分片就全部丢失；有些网络干脆丢弃分片。",
    ),
    "over-enet-mtu": Advice(
        "有 {datagrams:,} 个数据报放得进以太网帧，却放不进 ENet 的 {most} 字节的数据包。",
        "最大的有 {largest:,} 字节",
        "如果同样的数据以后要经 Godot 的 ENet 传送，请保持在 1,350 字节以下（它的同步器的上限），否则 ENet 会拆分它。",
        "每一层都先占去帧的一部分，剩下的才归您的数据。",
    ),
    "large-integers": Advice(
        "JSON 消息中有大于 2^53 的整数，Godot 的 JSON 会把它们舍入。",
        "前 {of:,} 条消息中有 {messages} 条；{example} 在那里会变成 {becomes}",
        "这样的数请作为文本发送，或把消息作为 Variant 发送（put_var、var_to_bytes），它保留 64 位。",
        "对大多数读取程序来说，JSON 的数是浮点数：53 位以内才精确（RFC 8259 第 6 节）。",
    ),
    "lost-characters": Advice(
        "ASCII 之外的字符回来时变成了空格：游戏用 put_string 写出文本。",
        "{of:,} 条消息中有 {messages} 条除了这些字符以外与我们发出的相同，例如 {example!r}（发出 n={sent}）",
        "请使用 put_utf8_string 和 get_utf8_string。",
        "文本不等于字节：双方必须使用同一种编码，而且它要包含文本的所有字符。",
    ),
    "cut-off": _CUT_OFF,
    "cut-off/empty": _CUT_OFF._replace(what="这次捕获在写下任何内容之前就被截断了：无法知道是否收到过数据。"),
    "foreign-clock": Advice(
        "游戏的消息带有它自己的时钟，不能与本机的时钟相减。",
        "{messages:,} 条消息带有对方的 t_us",
        "可以用它计算抖动，因为抖动只需要它的差值；要知道延迟，请测量往返时间，或估计时钟偏差并给出误差。",
        "两个时钟之间有未知而且会漂移的偏差：它们的差不是延迟。",
    ),
    "coarse-clock": Advice(
        "游戏的时钟只数整毫秒：小于一毫秒的抖动看不出来。",
        "{messages} 个时间全部是 1000 微秒的倍数",
        "请用 Time.get_ticks_usec()，而不是 get_ticks_msec() * 1000。",
        "测量不会比所用的时钟更精细。",
    ),
    "paused-sender": Advice(
        "本端有 {pauses:,} 次停顿，共 {paused_s:.1f} 秒没有发送探测消息：那段时间的延迟不在任何百分位数里。",
        "占 n={n} 个探测消息从第一个到最后一个之间时间的 {share:.1%}；停顿是指达到间隔中位数的 {times} 倍，"
        "且不少于 {least_s:g} 秒",
        "是本程序太忙，是电脑休眠了，还是它要等到上一个回答才再次发问？如果是最后一种，请校正百分位数："
        "percentiles(values, expected_ms=预定的间隔)。",
        "慢的时候停止测量的程序，只测到快的部分（coordinated omission）。",
    ),
    "few-samples": Advice(
        "只有 {n:,} 个往返，太少了：{usable}，而 99 % 分位数不可用。",
        "n={n}；中位数需要 {for_50} 个，95 % 需要 {for_95} 个，99 % 需要 {for_99} 个（其外至少要有十个样本）",
        "请捕获更久：以每秒 {per_second} 个计，{for_99} 个探测消息需要 {seconds:.0f} 秒。",
        "百分位数有多可靠，取决于它之外的样本有多少。",
    ),
}

#: Parts of them, by the key of a `Statement`.
PARTS: Final[dict[str, str]] = {
    "missing-numbers/unknown": "在这次捕获之前或之中；没有套接字的计数器，就无法区分",
    "missing-numbers/here": "与这次捕获自己的接收缓冲区丢弃的一样多",
    "missing-numbers/partly": "一部分在这次捕获之中（见缺口），其余在它之前：在路径上或发送方",
    "missing-numbers/before": "在到达这次捕获之前，因为它的套接字没有丢弃任何数据：在路径上或发送方",
    "few-samples/quantile": "{percent:g} % 分位数可用",
    "few-samples/median": "中位数可用",
    "few-samples/none": "连中位数也不可用",
}
