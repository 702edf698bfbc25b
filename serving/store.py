"""Build the store that the API answers from, compare it with the night's tables, and switch to it.

Reads scores, consents, persons, sequences, profiles, the catalogue, arms and neighbours of the day, and writes a folder
of its own beside the store that answers. People who withdrew since the night was made, as far as that has been mapped,
are not in it. Then the lists of a sample of people, as the API would give them, are compared with the table `scores`,
or in the arm of people who are shown the lists of a version in shadow with `shadow_scores`: where one differs, the old
store stays, and the report has an alert. Where they are equal, one rename of a link makes the API answer from it; the
store before it stays on disk, older ones go.

The sequence model for sessions is taken out of the champion of `next_item`, and compared with it; where it says
something else, sessions get the lists of the night, and the report says so. Where people are shown the lists of a
version in shadow, their sessions are ranked by that version, taken out and compared alike.

    python -m serving.store --ds 2026-11-20
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.arguments import day_parser
from contracts.atomic_files import write_whole
from contracts.entry_point import exit_with_sentence
from contracts.errors import LakeError, ModelError, NightshiftError
from contracts.keys import fingerprint, pseudonym_keys
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings, duckdb_config
from contracts.tables.activation import ASSIGNMENTS
from contracts.tables.mapped import CONSENTS, RECONCILIATION
from contracts.tables.marts import CONSENT, ITEM, PROFILE, SCORING_SEQUENCES
from contracts.tables.resolved import PERSONS
from contracts.tables.served import SCORES
from lake_tables.arrow import read_mart
from lake_tables.consent import latest_consents
from lake_tables.shown.catalogue import DESCRIBED, morning_after
from lake_tables.shown.catalogue import Catalogue as ItemsOfDay
from lake_tables.shown.rules import Rules, read_rules
from lake_tables.shown.showcase import Showcase
from lake_tables.shown_lists import view_shown_lists
from serving.online import layout
from serving.online.layout import CHALLENGER_MODEL, ITEMS, MANIFEST, PEOPLE, SESSION_MODEL, SHOWN, Manifest
from serving.online.opened_store import OpenedStore, sha256_of
from serving.online.session_model import SessionModel
from serving.online.shown_items import ShownItems
from serving.online.source import SOURCE
from serving.scoring.champions import Champion, Champions
from serving.scoring.histories import read_histories, read_tastes
from serving.scoring.recommendations import PINNED, POPULAR, reason
from serving.storing import catalogue as items_of
from serving.storing import people as people_of
from serving.storing.catalogue import Catalogue
from serving.storing.comparison import require_equal_lists
from serving.storing.segments import SegmentsOfPeople
from serving.storing.session_weights import in_codes, require_equal, session_weights
from serving.storing.writing import open_writer
from training.registry.client import Registry

SAMPLE = 10_000
"""People whose lists are compared."""
_COMPARED_HISTORIES = 200
_WORDS = {"session": "because of {}", "segment": "popular with people like you", "popularity": POPULAR}
_WORDS |= {"pinned": PINNED}


def main() -> None:
    parser = day_parser("serving.store", __doc__)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="people whose lists are compared (%(default)s)")
    options = parser.parse_args()
    exit_with_sentence(lambda: build_store(options.ds, sample=options.sample))


def build_store(ds: str, *, sample: int = SAMPLE) -> str:
    """Build, compare and switch; returns the store's name.

    Raises:
        LakeError: a table of the day is missing, or the API would give other lists than `scores` has: the old store
            stays.
        SettingsError: the keys are not those of the lake.
        BusyError: another run is building.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("store"), Report(settings.home.reports, ds).timed("store") as fragment:
        stores = layout.stores_of(settings.home)
        run = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S%f}"
        folder = stores / f"{ds}-{run}"
        draft = stores / f".{folder.name}"
        for old in stores.glob(".*"):
            shutil.rmtree(old)
        draft.mkdir(parents=True, mode=0o700)
        try:
            manifest = _write(settings, lake, ds, run, draft)
            opened = OpenedStore.open(draft)
            try:
                compared = require_equal_lists(opened, lake, ds, sample)
            finally:
                opened.close()
        except NightshiftError as error:
            shutil.rmtree(draft)
            fragment["store"] = {"alert": str(error)}
            Report(settings.home.reports, ds).write("store", fragment)
            raise
        draft.rename(folder)
        switch_to(settings, folder)
        size = sum(file.stat().st_size for file in folder.iterdir())
        fragment["store"] = {
            "people": manifest.people,
            "items": manifest.items,
            "compared_people": compared,
            "bytes": size,
            "session_version": manifest.session_version or None,
            "challenger_version": manifest.challenger_version or None,
        }
        if manifest.no_session:
            fragment["store"]["alert"] = manifest.no_session
            say(f"store: alert: {manifest.no_session}")
    say(
        f"store: {manifest.people:,} people and {manifest.items:,} items, {size / 1e6:,.1f} MB; lists of {compared:,} "
        f"people are those of the night; {folder.name} answers from now on"
    )
    return folder.name


def _write(settings: Settings, lake: Lake, ds: str, run: str, folder: Path) -> Manifest:
    keys = pseudonym_keys(settings)
    decisions = lake.history(CONSENTS.name)
    mapped = [day for day in lake.days(RECONCILIATION.name) if lake.files(RECONCILIATION.name, day, owner=SOURCE)]
    champions = Champions(Registry.of(settings), night=(lake, ds))
    champion = champions.get("next_item")
    with _views(lake, ds) as connection:
        agreed = _agreed(lake, ds)
        connection.register("agreed", agreed)
        known = [] if champion is None else champion.model.item_ids.tolist()
        items = read_mart(lake, ITEM.name, ds, ["item_id", "title"], optional=DESCRIBED)
        rules = read_rules(settings.rules)
        catalogue = Catalogue.of(connection, known, _may_be_shown(items, rules, ds))
        _shown_items(items, rules, catalogue).save(folder / SHOWN)
        connection.register("coded", catalogue.codes)
        connection.register("ended", pa.table({"code": pa.array(catalogue.ended, pa.uint32())}))
        segments = SegmentsOfPeople.of(connection, settings.smallest_group)
        versions = _numbered(connection, "versions", "model_version")
        if len(versions) > 255:
            raise LakeError(
                expected=f"at most 255 model versions in {SCORES.name} of {ds}",
                received=f"{len(versions)}",
                remedy=f"run `python -m serving.score --ds {ds} --everyone` first",
            )
        sessions = _session_models(champions, versions, catalogue, lake, ds, folder)
        reasons = _numbered(connection, "reasons", "reason")
        experiments = _experiments(connection, lake, ds)
        with open_writer(folder / ITEMS) as writer:
            items_of.write_items(writer, catalogue)
            items_of.write_popular(writer, connection, segments.names)
            kinds = items_of.write_neighbours(writer, connection, lake, ds)
            writer.put("reasons", ((layout.code_key(code), words.encode()) for code, words in enumerate(reasons, 1)))
        with open_writer(folder / PEOPLE) as writer:
            people_of.write_identifiers(writer, connection)
            people = people_of.write_people(writer, connection, experiments)
            people_of.write_lists(writer, connection)
            people_of.write_histories(writer, connection, catalogue, with_times=sessions.read_times)
            if sessions.read_taste:
                connection.register("tastes", read_tastes(lake, ds))
                people_of.write_tastes(writer, connection)
    names = [PEOPLE, ITEMS, SHOWN, *sessions.versions]
    manifest = Manifest(
        ds=ds,
        run=run,
        keys=fingerprint(keys),
        files={name: sha256_of(folder / name) for name in names},
        people=people,
        items=len(catalogue),
        versions=tuple(versions),
        segments=segments.names,
        experiments=experiments,
        kinds=kinds,
        words=_WORDS | {action: reason("{}", {}, {"{}": action}) for action in ("view", "cart", "purchase", "rate")},
        session_version=sessions.versions.get(SESSION_MODEL, ""),
        challenger_version=sessions.versions.get(CHALLENGER_MODEL, ""),
        no_session="; ".join(sessions.missing),
        decisions=decisions,
        mapped=tuple(mapped),
    )
    write_whole(folder / MANIFEST, manifest.text())
    return manifest


def _may_be_shown(items: pa.Table, rules: Rules, ds: str) -> pa.Table:
    """item_id of what stock and rules let be shown on the morning after a night."""
    of_day = ItemsOfDay.of(items)
    may = Showcase.of(of_day, rules, morning_after(ds)).may
    return pa.table({"item_id": pa.array(of_day.item_ids[may], pa.string())})


def _shown_items(items: pa.Table, rules: Rules, catalogue: Catalogue) -> ShownItems:
    """What may be shown of the store's items, on this day and later ones."""
    described = items.to_pandas()
    rows = described.set_index("item_id").reindex(catalogue.items["item_id"])
    unknown = ~rows.index.isin(described["item_id"])
    rows = rows.assign(available=rows["available"].mask(unknown, False) if "available" in rows else ~unknown)
    return ShownItems(Showcase.of(ItemsOfDay.of(rows.reset_index()), rules, None))


@contextlib.contextmanager
def _views(lake: Lake, ds: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the day's tables as views by their names; one that need not be there is empty."""
    made_by = {PERSONS: "spark_jobs/main.py resolve"}
    with duckdb.connect(config=duckdb_config()) as connection:
        connection.execute("set TimeZone = 'UTC'")
        view_shown_lists(connection, lake, ds)
        for table in (PERSONS, CONSENT, ITEM, SCORING_SEQUENCES):
            command = made_by.get(table, "dbt_project.build")
            lake.require(table.name, ds, made_by=f"python -m {command} --ds {ds}")
        for table in (PERSONS, ITEM, SCORING_SEQUENCES, PROFILE, ASSIGNMENTS):
            files = [str(file) for file in lake.files(table.name, ds)]
            if files:
                connection.read_parquet(files).create_view(table.name)
            else:
                columns = ", ".join(f"null::{one.parsed_type.duckdb} as {one.name}" for one in table.columns)
                connection.execute(f"create view {table.name} as select {columns} where false")
        yield connection


def _agreed(lake: Lake, ds: str) -> pa.Table:
    """person_id and profiling of those who agree to personalisation, without who withdrew since."""
    consents = latest_consents(lake, ds)
    agreed = consents[consents["consent_personalisation"].astype(bool)]
    return pa.table(
        {
            "person_id": pa.array(agreed["person_id"], pa.string()),
            "profiling": pa.array(agreed["consent_profiling"].astype(bool)),
        }
    )


def _numbered(connection: duckdb.DuckDBPyConnection, name: str, column: str) -> list[str]:
    """The texts of a column of `scores`, and the view `name` of them with codes: from 1, of versions from 0."""
    found = connection.execute(
        f"select distinct {column} from scores where {column} is not null order by all"
    ).fetchnumpy()[column]
    texts = [str(text) for text in found]
    first = 0 if column == "model_version" else 1
    connection.register(name, pa.table({column: pa.array(texts, pa.string()), "code": np.arange(len(texts)) + first}))
    return texts


def _experiments(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str) -> dict[str, tuple[str, ...]]:
    """Experiment -> arms of the night."""
    if not lake.files(ASSIGNMENTS.name, ds):
        return {}
    rows = connection.execute("select distinct experiment, arm from assignments order by all").fetchall()
    names = sorted({experiment for experiment, _ in rows})
    return {name: tuple(arm for experiment, arm in rows if experiment == name) for name in names}


@dataclass
class _Sessions:
    """The models that rank sessions, as they were written."""

    versions: dict[str, str] = field(default_factory=dict)
    """File -> the version whose weights it has."""
    missing: list[str] = field(default_factory=list)
    """Why there are no weights."""
    read_times: bool = False
    read_taste: bool = False


def _session_models(
    champions: Champions, versions: Sequence[str], catalogue: Catalogue, lake: Lake, ds: str, folder: Path
) -> _Sessions:
    """Write the models for sessions: the champion, and the version in shadow where people are shown its lists."""
    made, champion = _Sessions(), champions.get("next_item")
    if champion is None:
        made.missing.append("there is no champion of next_item: sessions get the lists of the night")
    else:
        _write_session_model(made, champion, SESSION_MODEL, catalogue, lake, ds, folder)
    if any(one.startswith("next_item/") and (champion is None or one != champion.name) for one in versions):
        for shadow in champions.shadows():
            if shadow.name in versions and shadow.name.startswith("next_item/"):
                _write_session_model(made, shadow, CHALLENGER_MODEL, catalogue, lake, ds, folder)
    return made


def _write_session_model(
    made: _Sessions, ranker: Champion, file: str, catalogue: Catalogue, lake: Lake, ds: str, folder: Path
) -> None:
    try:
        weights = session_weights(ranker.model)
        model = SessionModel(weights)
        histories = read_histories(lake, ds)
        places = np.linspace(0, len(histories) - 1, min(_COMPARED_HISTORIES, len(histories))).astype(int)
        rows = histories.take(pa.array(places)).to_pandas()
        if model.reads_taste:
            rows = rows.merge(read_tastes(lake, ds).to_pandas(), how="left", on="person_id")
        require_equal(model, ranker.model, _as_lists(rows))
    except ModelError as error:
        made.missing.append(f"sessions get the lists of the night: {error}")
        return
    codes = pd.Index(catalogue.items["item_id"]).get_indexer(ranker.model.item_ids) + 1
    np.savez(folder / file, **in_codes(weights, codes, len(catalogue)))
    made.versions[file] = ranker.name
    made.read_times |= model.reads_times
    made.read_taste |= model.reads_taste


def _as_lists(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["person_id", "strongest_actions"], errors="ignore")


def switch_to(settings: Settings, folder: Path) -> None:
    """Let a store answer, in one rename of a link; the one before it stays, older ones go."""
    link = layout.current_of(settings.home)
    before = link.resolve().name if link.is_symlink() else ""
    draft = link.with_name(f".{link.name}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(os.path.relpath(folder, link.parent))
    os.replace(draft, link)
    for old in folder.parent.iterdir():
        if old.name not in (folder.name, before):
            shutil.rmtree(old)


if __name__ == "__main__":
    main()
