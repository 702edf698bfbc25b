"""A folder on an SFTP server: one CSV a campaign, as `audience_csv` has it, with the audience as it was last delivered.

Only a server that shows one of the host keys in destinations.yml gets anything. A file is written as
`.<campaign>.csv.part` and takes its name in one step when all of it has arrived, so that whoever takes files from there
finds the whole audience of one night, and what a broken connection leaves has no name that anybody takes.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from activation.destinations.audience_csv import AudienceFiles, file_name

if TYPE_CHECKING:
    from activation.destinations.sftp_session import Session


@dataclass(frozen=True)
class Sftp(AudienceFiles):
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

    def has(self, campaign: str) -> bool:
        return self._session().has(self._path(campaign))

    def reading(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        return self._session().reading(self._path(campaign))

    def replacing(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        return self._session().replacing(self._path(campaign))

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _path(self, campaign: str) -> str:
        return f"{self.folder.rstrip('/')}/{file_name(campaign)}"

    def _session(self) -> Session:
        from activation.destinations.sftp_session import Session  # its library is loaded by those alone who use it

        if self._open and self._open[0].is_broken:
            self.close()
        if not self._open:
            self._open.append(Session(self))
        return self._open[0]
