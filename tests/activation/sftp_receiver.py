"""An SFTP server in this process, with accounts of its own, that misbehaves when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh

USER, PASSWORD = "nightshift", "correct horse"


class SftpReceiver:
    """A folder that others may write into, and every file that took its name there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.misbehaves: list[str] = []
        """What to do with the next files: each word names an act and a fault; nothing is to behave."""
        self.uploads: list[list[dict[str, str]]] = []
        """The rows of each file as it took its name."""

    @property
    def public_key(self) -> str:
        return self.host_key.export_public_key().decode().strip()

    def rows(self, campaign: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.folder / "in" / f"{campaign}.csv").read_text())))

    def audience(self, campaign: str) -> list[str]:
        return sorted(row["address"] for row in self.rows(campaign))

    def misbehave(self, act: str) -> str | None:
        """The fault to show at this act, if it is the one that is due."""
        if self.misbehaves and self.misbehaves[0].startswith(f"{act}: "):
            return self.misbehaves.pop(0).partition(": ")[2]
        return None


@contextlib.contextmanager
def receiving_files(folder: Path) -> Iterator[SftpReceiver]:
    """A server on a port of this machine; its accounts see `folder` alone, and write into `in` there."""
    receiver = SftpReceiver(folder)
    (folder / "in").mkdir(parents=True)

    class Accounts(asyncssh.SSHServer):
        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (username, password) == (USER, PASSWORD)

        def public_key_auth_supported(self):
            return True

        def validate_public_key(self, username, key):
            return username == USER and key == receiver.user_key.convert_to_public()

    class Files(asyncssh.SFTPServer):
        def __init__(self, chan):
            super().__init__(chan, chroot=str(folder).encode())

        def open(self, path, pflags, attrs):
            if receiver.misbehave("open") == "denied":
                raise asyncssh.SFTPPermissionDenied("denied")
            return super().open(path, pflags, attrs)

        def write(self, file_obj, offset, data):
            fault = receiver.misbehave("write")
            if fault == "disk full":
                raise asyncssh.SFTPFailure("no space left on device")
            if fault == "hung up":
                super().write(file_obj, offset, data[: len(data) // 2])
                self.connection.abort()
                return 0
            if fault == "silent":
                return asyncio.sleep(60)
            if fault == "half":
                super().write(file_obj, offset, data[: len(data) // 2])
                return len(data)
            return super().write(file_obj, offset, data)

        def posix_rename(self, oldpath, newpath):
            fault = receiver.misbehave("rename")
            if fault == "not known":
                raise asyncssh.SFTPOpUnsupported("not known")
            super().posix_rename(oldpath, newpath)
            receiver.uploads.append(receiver.rows(Path(newpath.decode()).stem))
            if fault == "done and hung up":
                self.connection.abort()

    started, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[receiver.host_key], server_factory=Accounts, sftp_factory=Files
        )
        receiver.port = server.get_port()
        started.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
