"""A connection to an SFTP server, with files of it as texts, and every fault as one of two named errors.

What is wrong until somebody looks refuses everything: a host key that differs, an account that is not let in, a folder
that is missing or may not be written. All else may pass: no connection, silence, a full disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import posixpath
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import asyncssh

from activation.destinations.destination import DestinationDown, DestinationRefuses

if TYPE_CHECKING:
    from activation.destinations.sftp import Sftp

_Value = TypeVar("_Value")

_BYTES_A_BLOCK = 1 << 20
_FOR_ITS_OWNER_ALONE = 0o600
_CLOSING_SECONDS = 2.0

_FOR_SOMEBODY: dict[type[Exception], tuple[str, str, str]] = {
    asyncssh.HostKeyNotVerifiable: (
        "host_key",
        "another host key",
        "ask who runs the server whether its key was changed, before you write the new one into `host_key`: somebody "
        "else may be answering",
    ),
    asyncssh.KeyExchangeFailed: (
        "host_key",
        "no host key of that kind, or no way to encrypt that both know",
        "write a key into `host_key` that the server has: ssh-keyscan HOST",
    ),
    asyncssh.PermissionDenied: (
        "login",
        "a refusal to let the account in",
        "correct `user` and the file of its key or password",
    ),
    asyncssh.SFTPPermissionDenied: (
        "permission_denied",
        "no permission to write there",
        "let the account write into `folder`, or name another",
    ),
    asyncssh.SFTPWriteProtect: ("permission_denied", "a file system that is read only", "name another `folder`"),
    asyncssh.SFTPNoSuchFile: ("no_such_folder", "no such folder", "make the folder there, or correct `folder`"),
    asyncssh.SFTPNoSuchPath: ("no_such_folder", "no such folder", "make the folder there, or correct `folder`"),
}
"""What refuses everything -> the word for the receipts, what was got, and what to do."""

_MAY_PASS: dict[type[Exception], str] = {
    asyncssh.SFTPNoSpaceOnFilesystem: "disk_full",
    asyncssh.SFTPQuotaExceeded: "disk_full",
    asyncssh.SFTPConnectionLost: "no_connection",
    asyncssh.SFTPNoConnection: "no_connection",
    asyncssh.SFTPError: "sftp_failure",  # of which OpenSSH says no more, a full disk among them
    TimeoutError: "timeout",
    OSError: "no_connection",
    asyncssh.Error: "no_connection",
}
"""What another run may find gone -> the word for the receipts; the first that fits counts."""


class Session:
    """One connection; it is opened here.

    Raises:
        DestinationDown, DestinationRefuses: this and everything else that it does, when it cannot be done.
    """

    def __init__(self, destination: Sftp) -> None:
        self.destination = destination
        self.is_broken = False
        self._loop = asyncio.Runner()
        self._connection: asyncssh.SSHClientConnection | None = None
        try:
            self._connection = self.do(asyncssh.connect(**self._options()))
            self._sftp = self.do(self._connection.start_sftp_client())
        except BaseException:
            self.close()
            raise

    def do(self, work: Coroutine[Any, Any, _Value], seconds: float | None = None) -> _Value:
        """Wait for the server, at most so long."""
        try:
            return self._loop.run(asyncio.wait_for(work, seconds or self.destination.timeout_seconds))
        except (asyncssh.Error, OSError) as error:
            self.is_broken = True
            raise self._named(error) from None

    def has(self, path: str) -> bool:
        return self.do(self._sftp.exists(path))

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[TextIO]:
        """A file as a text, block by block."""
        file = self.do(self._sftp.open(path, "rb"))
        with io.TextIOWrapper(io.BufferedReader(_Source(self, file), _BYTES_A_BLOCK), "utf-8", newline="") as stream:
            yield stream
            self.do(file.close())

    @contextlib.contextmanager
    def replacing(self, path: str) -> Iterator[TextIO]:
        """A text to write into that takes the file's place when this ends well; else the file stays as it was."""
        draft = posixpath.join(posixpath.dirname(path), f".{posixpath.basename(path)}.part")
        attributes = asyncssh.SFTPAttrs(permissions=_FOR_ITS_OWNER_ALONE)
        file = self.do(self._sftp.open(draft, "wb", attrs=attributes))
        sink = _Sink(self, file)
        stream = io.TextIOWrapper(io.BufferedWriter(sink, _BYTES_A_BLOCK), "utf-8", newline="")
        try:
            yield stream
            stream.flush()
            self.do(_synced(file))
            self.do(file.close())
            self._require_whole(draft, sink.written)
            self.do(self._take_place(draft, path))
        except BaseException:
            sink.is_given_up = True
            with contextlib.suppress(DestinationDown, DestinationRefuses):
                self.do(self._sftp.remove(draft), _CLOSING_SECONDS)
            raise

    def close(self) -> None:
        """Say goodbye; a server that does not answer is left."""
        with contextlib.suppress(DestinationDown, DestinationRefuses):
            if self._connection is not None:
                self._connection.close()
                self.do(self._connection.wait_closed(), _CLOSING_SECONDS)
        self._loop.close()

    def _options(self) -> dict[str, Any]:
        """Of the connection: what destinations.yml says, and nothing that this account has in ~/.ssh or an agent."""
        one = self.destination
        has_key, has_password = one.private_key is not None, one.password is not None
        return {
            "host": one.host,
            "port": one.port,
            "username": one.user,
            "known_hosts": ([asyncssh.import_public_key(key) for key in one.host_keys], [], []),
            "client_keys": [asyncssh.import_private_key(one.private_key)] if has_key else None,
            "password": one.password,
            "public_key_auth": has_key,
            "password_auth": has_password,
            "kbdint_auth": has_password,
            "gss_auth": False,
            "gss_kex": False,
            "host_based_auth": False,
            "agent_path": None,
            "config": None,
            "connect_timeout": one.timeout_seconds,
            "login_timeout": one.timeout_seconds,
        }

    def _require_whole(self, draft: str, size: int) -> None:
        if self.do(self._sftp.stat(draft)).size != size:
            self.is_broken = True
            raise self._down("short_file")

    async def _take_place(self, draft: str, path: str) -> None:
        try:
            await self._sftp.posix_rename(draft, path)
        except asyncssh.SFTPOpUnsupported:  # the rename of SFTP 3 takes no name that is there
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await self._sftp.remove(path)
            await self._sftp.rename(draft, path)

    def _named(self, error: Exception) -> DestinationDown | DestinationRefuses:
        for kind, (reason, received, remedy) in _FOR_SOMEBODY.items():
            if isinstance(error, kind):
                return DestinationRefuses(
                    reason=reason,
                    tries=1,
                    expected=f"destination {self.destination.name} to take a file",
                    received=received,
                    remedy=f"{remedy}; then run the same command again: nothing is lost or doubled",
                )
        return self._down(next(reason for kind, reason in _MAY_PASS.items() if isinstance(error, kind)))

    def _down(self, reason: str) -> DestinationDown:
        return DestinationDown(
            reason=reason,
            tries=1,
            expected=f"destination {self.destination.name} to take a file",
            received=reason,
            remedy="run the same command again when it is up: nothing is lost or doubled",
        )


class _Sink(io.RawIOBase):
    """Bytes to a file of the server; the calls of a text stream wait for it."""

    def __init__(self, session: Session, file: asyncssh.SFTPClientFile) -> None:
        super().__init__()
        self.session, self.file = session, file
        self.written = 0
        self.is_given_up = False
        """What the stream still holds goes nowhere."""

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        content = bytes(block)
        if not self.is_given_up:
            self.session.do(self.file.write(content))
            self.written += len(content)
        return len(content)


class _Source(io.RawIOBase):
    """Bytes of a file of the server."""

    def __init__(self, session: Session, file: asyncssh.SFTPClientFile) -> None:
        super().__init__()
        self.session, self.file = session, file

    def readable(self) -> bool:
        return True

    def readinto(self, block: Any) -> int:
        content = self.session.do(self.file.read(len(block)))
        block[: len(content)] = content
        return len(content)


async def _synced(file: asyncssh.SFTPClientFile) -> None:
    """Let a file outlast a power cut, where the server knows how."""
    with contextlib.suppress(asyncssh.SFTPOpUnsupported):
        await file.fsync()
