"""What was handed over so far, line by line on disk: a run that is killed at any moment is gone on with.

Each batch is written down before it is sent, and again once it was answered. A batch without an answer may have arrived
or not: it is handed over again under the same id, and a destination that honours ids takes it once. The journal names
campaigns, and people by the random digits of `audience_members`; it goes when the run's receipts are published.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.home import Home


@dataclass
class Entry:
    """A batch that was handed over."""

    id: str
    plan: str
    action: str
    campaign: str
    deliveries: list[list[str]]
    """delivery_id and member_id of each of its messages, in their order."""
    tries: int = 0
    refused: frozenset[str] = frozenset()
    """Ids of deliveries."""
    reason: str | None = None
    left: frozenset[str] = frozenset()
    """Ids of deliveries that were not in it when it was answered, as their people had gone from the audience."""


@dataclass
class Journal:
    """The journal of one destination."""

    file: Path
    ended: Callable[[Entry], None]
    """Is called with each batch that was answered."""
    open: dict[str, Entry] = field(default_factory=dict)
    """Batches without an answer, by id, in their order."""

    @classmethod
    def of(cls, home: Home, destination: str, ended: Callable[[Entry], None]) -> Journal:
        """Read what an earlier run has left; a line that a kill has cut off was never acted upon."""
        journal = cls(home.delivering / f"{destination}.jsonl", ended)
        if journal.file.exists():
            size = 0
            with journal.file.open("rb") as stream:
                for line in stream:
                    if line.endswith(b"\n"):
                        size += len(line)
                        journal._take(json.loads(line))
            os.truncate(journal.file, size)
        return journal

    def begin(self, id_: str, plan: str, action: str, campaign: str, deliveries: Sequence[Sequence[str]]) -> Entry:
        """Write down what is about to be sent."""
        return self._append(
            {
                "batch": id_,
                "plan": plan,
                "action": action,
                "campaign": campaign,
                "deliveries": [list(one) for one in deliveries],
            }
        )

    def tried(self, entry: Entry, tries: int) -> None:
        """Write down that it was handed over so often without an answer."""
        self._append({"tried": entry.id, "tries": tries})

    def end(
        self,
        entry: Entry,
        tries: int,
        *,
        refused: Collection[str] = (),
        reason: str | None = None,
        left: Collection[str] = (),
    ) -> None:
        """Write down the answer."""
        self._append(
            {"ended": entry.id, "tries": tries, "refused": sorted(refused), "reason": reason, "left": sorted(left)}
        )

    def clear(self) -> None:
        """Forget all that has its receipt; batches that are still open stay."""
        draft = self.file.with_name(f".{self.file.name}")
        if not self.open:
            self.file.unlink(missing_ok=True)
            return
        with draft.open("w") as stream:
            for entry in self.open.values():
                begun = {name: getattr(entry, name) for name in ("plan", "action", "campaign", "deliveries")}
                stream.write(json.dumps({"batch": entry.id, **begun}) + "\n")
                stream.write(json.dumps({"tried": entry.id, "tries": entry.tries}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, self.file)

    def _append(self, line: dict[str, Any]) -> Entry:
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        return self._take(line)

    def _take(self, line: dict[str, Any]) -> Entry:
        if "batch" in line:
            entry = Entry(line["batch"], line["plan"], line["action"], line["campaign"], line["deliveries"])
            self.open[entry.id] = entry
            return entry
        entry = self.open[line.get("ended") or line["tried"]]
        entry.tries += line["tries"]
        if "ended" in line:
            entry.reason, entry.refused, entry.left = (
                line["reason"],
                frozenset(line["refused"]),
                frozenset(line["left"]),
            )
            del self.open[entry.id]
            self.ended(entry)
        return entry
