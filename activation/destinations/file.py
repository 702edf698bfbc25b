"""A folder outside home: one CSV a campaign, for its owner alone, with the audience as it was last delivered.

`<folder>/<campaign>.csv` is as `audience_csv` has it. It is replaced in one step, so that a reader finds the whole
audience of one night.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from activation.destinations.audience_csv import AudienceFiles, file_name
from contracts.private_files import private_draft


@dataclass(frozen=True)
class Folder(AudienceFiles):
    """A folder that something else takes the files from."""

    folder: Path

    def file(self, campaign: str) -> Path:
        """The audience of a campaign."""
        return self.folder / file_name(campaign)

    def has(self, campaign: str) -> bool:
        return self.file(campaign).is_file()

    def reading(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        return self.file(campaign).open(newline="")

    def replacing(self, campaign: str) -> contextlib.AbstractContextManager[TextIO]:
        return private_draft(self.file(campaign))
