"""Whether a port of this machine can be listened on."""

from __future__ import annotations

import socket

from contracts.errors import SettingsError


def require_free(address: str, port: int, *, remedy: str) -> None:
    """Refuse an address that cannot be listened on, before a server takes its time to find out.

    Raises:
        SettingsError: the port is taken, or the address is none of this machine.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise SettingsError(
                expected=f"to listen on {address}:{port}", received=error.strerror or str(error), remedy=remedy
            ) from error
