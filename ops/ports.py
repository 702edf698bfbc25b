"""Whether a port of this machine can be listened on."""

from __future__ import annotations

import socket


def why_taken(address: str, port: int) -> str | None:
    """What the system says against listening on a port; None where it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.strerror or str(error)
    return None
