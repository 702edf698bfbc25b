"""A folder on an SFTP server: one CSV a campaign, as `audience_csv` has it, with the audience as it was last delivered.

Only a server that shows one of the host keys in destinations.yml gets anything. A file is written as
`.<campaign>.csv.part` and takes its name in one step when all of it has arrived, so that whoever takes files from there
finds the whole audience of one night, and what a broken connection leaves has no name that anybody takes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from activation.destinations import audience_csv
from activation.destinations.destination import Answer, Batch, Destination

if TYPE_CHECKING:
    from activation.destinations.sftp_session import Session


@dataclass(frozen=True)
class Sftp(Destination):
    """A folder of one account on an SFTP server."""

    host: str
    port: int
    user: str
    folder: str
    """As the account sees it: absolute, or from where it logs in."""
    host_keys: tuple[str, ...]
    """Public keys, any of which is the server's; it is trusted by nothing else."""
    private_key: str | None = field(repr=False)
    password: str | None = field(repr=False)
    timeout_seconds: float = 30.0
    """For each answer of the server."""
    _open: list[Session] = field(default_factory=list, repr=False, compare=False)
    _draft: list[Any] = field(default_factory=list, repr=False, compare=False)

    most_messages: ClassVar[int] = 10_000
    is_whole: ClassVar[bool] = True

    @contextlib.contextmanager
    def audience(self, campaign: str) -> Iterator[None]:
        with self._session().replacing(self._path(campaign)) as stream:
            self._draft.append(audience_csv.begin(stream))
            try:
                yield
            finally:
                self._draft.clear()

    def send(self, batch: Batch) -> Answer:
        [writer] = self._draft
        audience_csv.write(writer, batch)
        return Answer()

    def remove(self, batch: Batch) -> Answer:
        """Take people out of the file of a campaign, which goes through memory and back."""
        session, path = self._session(), self._path(batch.campaign)
        if not session.has(path):
            return audience_csv.gone(batch)
        with session.reading(path) as old, session.replacing(path) as new:
            audience_csv.copy_without(old, new, {message["member_id"] for message in batch.messages})
        return Answer()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _path(self, campaign: str) -> str:
        return f"{self.folder.rstrip('/')}/{audience_csv.file_name(campaign)}"

    def _session(self) -> Session:
        from activation.destinations.sftp_session import Session  # its library is loaded by those alone who use it

        if self._open and self._open[0].is_broken:
            self.close()
        if not self._open:
            self._open.append(Session(self))
        return self._open[0]
