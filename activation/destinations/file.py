"""A folder outside home: one CSV a campaign, for its owner alone, with the audience as it was last delivered.

`<folder>/<campaign>.csv` is as `audience_csv` has it. It is replaced in one step, so that a reader finds the whole
audience of one night.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from activation.destinations import audience_csv
from activation.destinations.destination import Answer, Batch, Destination
from contracts.private_files import private_draft


@dataclass(frozen=True)
class Folder(Destination):
    """A folder that something else takes the files from."""

    folder: Path
    _draft: list[Any] = field(default_factory=list, repr=False, compare=False)

    most_messages: ClassVar[int] = 10_000
    is_whole: ClassVar[bool] = True

    def file(self, campaign: str) -> Path:
        """The audience of a campaign."""
        return self.folder / audience_csv.file_name(campaign)

    @contextlib.contextmanager
    def audience(self, campaign: str) -> Iterator[None]:
        with private_draft(self.file(campaign)) as stream:
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
        """Take people out of the file of a campaign, of which nothing else is to change."""
        file = self.file(batch.campaign)
        if not file.is_file():
            return audience_csv.gone(batch)
        with file.open(newline="") as old, private_draft(file) as new:
            audience_csv.copy_without(old, new, {message["member_id"] for message in batch.messages})
        return Answer()
