"""The receipt of a request to be forgotten: what was searched, found and deleted, and nothing of the person."""

from __future__ import annotations

import datetime
import html
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json
from contracts.erasure import DeliveriesReport, ModelsReport
from contracts.pages import html_page, html_section
from privacy.occurrences import Occurrences
from privacy.request import Change, Request
from privacy.search import SearchResult

_SOFTWARE = ("pyspark", "pyarrow", "duckdb", "mlflow")


@dataclass
class Receipt:
    """What is known of a request by its end."""

    mode: str
    subject: str
    """The tombstone's hash of the person."""
    when: str
    software: dict[str, str]
    searched: dict[str, Any]
    found: dict[str, dict[str, int]]
    """Place -> files and occurrences."""
    outcome: str = ""
    request: str = ""
    folder: Path = Path()
    changes: list[Change] = field(default_factory=list)
    models: ModelsReport | None = None
    deliveries: DeliveriesReport | None = None
    tombstones: int = 0
    rescan: dict[str, Any] | None = None
    remaining_files: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, mode: str, subject: str, occurrences: Occurrences) -> Receipt:
        """A receipt of now, of what a first search found; `subject` is a tombstone's hash."""
        when = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
        software = {"python": platform.python_version()}
        for name in _SOFTWARE:
            try:
                software[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        searched = {
            "where": "every file below the home folder and the raw deliveries, unpacked; not the keys",
            **_size(occurrences.search),
            "values_too_ordinary_to_search": sum(occurrences.search.not_searched.values()),
        }
        found: dict[str, dict[str, int]] = {}
        for file, times in occurrences.search.by_file().items():
            entry = found.setdefault(part_of(file), {"files": 0, "occurrences": 0})
            entry["files"] += 1
            entry["occurrences"] += times
        return cls(mode, subject, when, software, searched, found)

    @property
    def remaining(self) -> int:
        return self.rescan["found"] if self.rescan else 0

    def add_rescan(self, occurrences: Occurrences) -> None:
        """What the search afterwards found, and rows that the mappings still resolve to the person."""
        raw_rows = sum(map(len, occurrences.rows.texts.values()))
        self.rescan = {**_size(occurrences.search), "found": occurrences.search.total + raw_rows}
        self.remaining_files = sorted({file for file, _ in occurrences.search.places})

    def write(self, request: Request, outcome: str) -> None:
        """Write receipt.json and receipt.html into the request's folder."""
        self.request, self.folder, self.outcome = request.id, request.folder, outcome
        write_json(self.folder / "receipt.json", self.as_json())
        (self.folder / "receipt.html").write_text(_page(self))

    def show(self) -> None:
        """Print it as a table."""
        print(f"\nforget: {self.outcome} ({self.mode}), request {self.request}")
        for one in deleted(self.changes):
            print(f"  {one['where']:<32} {one['files']:>6,} files {one['rows']:>8,}  {one['what']}")
        for one in self.models.found if self.models else ():
            print(f"  model {one.model} version {one.version}: {one.why}")
        for one in self.deliveries.found if self.deliveries else ():
            print(f"  audience {one.campaign} at {one.destination}: {one.status}")
        print(f"  searched: {self.searched['files']:,} files, {_sum(self.searched):,} bytes")
        if self.rescan:
            print(f"  searched afterwards: {self.rescan['files']:,} files in {self.rescan['seconds']} s")
            print(f"  found afterwards: {self.rescan['found']}; tombstones: {self.tombstones}")
            for file in self.remaining_files:
                print(f"  LEFT in {file}: stop what writes there and give the same command again, or see to it by hand")
        print(f"  receipt: {self.folder / 'receipt.html'}", flush=True)

    def as_json(self) -> dict[str, Any]:
        """The receipt as it is kept."""
        return {
            "request": self.request,
            "when": self.when,
            "mode": self.mode,
            "outcome": self.outcome,
            "subject": self.subject,
            "searched": self.searched,
            "found": self.found,
            "deleted": deleted(self.changes),
            "changes": [asdict(change) for change in self.changes],
            "models": self.models.as_json() if self.models else None,
            "deliveries": self.deliveries.as_json() if self.deliveries else None,
            "tombstones": self.tombstones,
            "rescan": self.rescan,
            "software": self.software,
        }


def deleted(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Files and rows of each place, and what happened there."""
    total: dict[tuple[str, str], list[int]] = {}
    for change in changes:
        entry = total.setdefault((part_of(change.place), change.what), [0, 0])
        entry[0] += 1
        entry[1] += change.rows
    return [
        {"where": where, "what": what, "files": files, "rows": rows}
        for (where, what), (files, rows) in sorted(total.items())
    ]


def part_of(place: str) -> str:
    """The table, source or folder that a file belongs to: `lake/events`, `raw/mastodon`, `logs`."""
    parts = [part for part in place.split("/") if part != ".runs"]
    return "/".join(
        parts[:2] if parts[0] in ("lake", "raw", "audiences", "artifacts") and len(parts) > 2 else parts[:1]
    )


def _size(result: SearchResult) -> dict[str, Any]:
    return {
        "files": result.files,
        "bytes": result.bytes,
        "unpacked_bytes": result.unpacked_bytes,
        "seconds": round(result.seconds, 1),
    }


def _page(receipt: Receipt) -> str:
    content = receipt.as_json()
    rescan, models, deliveries = content["rescan"], receipt.models, receipt.deliveries
    facts = [
        ("Request", receipt.request),
        ("When", receipt.when),
        ("Mode", "enforced" if receipt.mode == "enforce" else "dry run: nothing was changed"),
        ("The person, as a keyed hash", receipt.subject),
        ("Tombstones, so that no later delivery brings the person back", receipt.tombstones),
        ("Files searched", content["searched"]["files"]),
        ("Bytes searched, unpacked ones among them", _sum(content["searched"])),
    ]
    if rescan:
        facts += [("Files searched afterwards", rescan["files"]), ("Found afterwards", rescan["found"])]
    parts = [
        f"<h1>Erasure: {html.escape(receipt.outcome)}</h1>",
        "<p class=lead>This receipt names nobody.</p>",
        _table((), facts),
        _section("Found", ("place", "files", "occurrences"), ((k, *v.values()) for k, v in content["found"].items())),
        _section("Deleted", ("place", "what", "files", "rows"), (one.values() for one in content["deleted"])),
        _section(
            "Models that learned from the person",
            ("model", "version", "why"),
            ((one.model, one.version, one.why) for one in (models.found if models else ())),
        ),
        _section(
            "Audiences at destinations",
            ("destination", "campaign", "what"),
            ((one.destination, one.campaign, one.status) for one in (deliveries.found if deliveries else ())),
        ),
        _section(
            "Files before and after (SHA-256)",
            ("file", "before", "after"),
            ((one.place, _short(one.before), _short(one.after) or "deleted") for one in receipt.changes if one.before),
        ),
        _section("Software", (), content["software"].items()),
    ]
    return html_page(f"Erasure {receipt.request}", *parts)


def _sum(size: dict[str, Any]) -> int:
    return size["bytes"] + size["unpacked_bytes"]


def _short(digest: str) -> str:
    return digest[:16]


def _section(title: str, heads: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    rows = [list(row) for row in rows]
    return html_section(title, _table(heads, rows) if rows else "<p>Nothing.</p>")


def _table(heads: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, int):
            return f"<td class=number>{value:,}</td>"
        return f"<td>{html.escape(str(value))}</td>"

    head = f"<tr>{''.join(f'<th>{html.escape(one)}</th>' for one in heads)}</tr>" if heads else ""
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return f"<table>{head}{body}</table>"
