"""A command of ours in a process that has imported its libraries already, for commands that follow each other.

TensorFlow, Keras and MLflow take ten seconds to import, in each training, gate and scoring of a night. So a night keeps
one process that has imported them (`ops/preloaded.py`); it forks for each command, which then runs as `python -m` would
run it. Where there is none, Python starts as ever.

This file is a program, too: it has a command run there, and lives and ends as that command does.

    python contracts/preloaded.py SOCKET MODULE ARGUMENTS...
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

SOCKET = "NIGHTSHIFT_PRELOADED"
"""The variable that names the socket on which such a process listens; a night sets it for its tasks."""
ROOMS = ("serving", "training", "monitoring")
"""Rooms whose commands need what is imported there."""
LENGTH = struct.Struct("!I")


def python_command(arguments: Sequence[str]) -> list[str]:
    """The command that runs `python -m <arguments>`, there if it can."""
    listens_at = os.environ.get(SOCKET, "")
    if arguments[0].split(".")[0] in ROOMS and Path(listens_at).is_socket():
        return [sys.executable, "-S", "-P", __file__, listens_at, *arguments]
    return [sys.executable, "-m", *arguments]


def main(listens_at: str, arguments: Sequence[str]) -> int:
    """Have it run, with this process's output, variables and folder; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the closed socket ends the command
    request = json.dumps([list(arguments), dict(os.environ), str(Path.cwd())]).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(listens_at)
        except OSError:  # it has ended meanwhile
            os.execv(sys.executable, [sys.executable, "-m", *arguments])
        socket.send_fds(connection, [LENGTH.pack(len(request))], [1, 2])
        connection.sendall(request)
        answer = connection.recv(LENGTH.size)
    return LENGTH.unpack(answer)[0] if answer else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
