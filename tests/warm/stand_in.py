"""Stand in for a warm kernel: ask the parent for one, hand it the standard streams, end when it ends.

    python -ISE stand_in.py SOCKET CONNECTION_FILE

Nothing more than this is imported, as this process is started for each kernel. When it is killed, the parent sees the
end of the connection and kills the kernel.
"""

import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.connect(sys.argv[1])
    wish = {"connection_file": sys.argv[2], "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
    text = json.dumps(wish).encode()
    socket.send_fds(connection, [len(text).to_bytes(4, "little")], [0, 1, 2])
    connection.sendall(text)
    status = connection.recv(1)
sys.exit(status[0] if status else 1)
