"""The tables `identifier_words` and `person_words` of a night: last night's sums, and what was written since.

Only new texts are read; of all others the sums of the night before say all that is needed. Sums are of identifiers, so
that people may merge and fall apart. Who does not agree to profiling tonight is in neither table, and leaves no sum.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import scipy.sparse

from contracts.lake import Lake
from contracts.tables.served import IDENTIFIER_WORDS, PERSON_WORDS
from lake_tables.arrow import arrow_schema, vector_array
from serving.words.categories import Categories
from serving.words.interests import interests_of
from serving.words.model import TextModel, in_steps

HALF_LIFE_DAYS = 30.0
"""As that of interests in acts."""

LEAST_EXPECTED = 0.01
"""Expected texts of a category below it are not carried on."""

_IDENTIFIERS_A_BATCH = 16_384
_TEXTS_A_BATCH = 8_192
"""Their vectors are 8 MB, and take as much again while they are made."""


@dataclass
class Counted:
    """Texts and people of a night."""

    new_texts: int = 0
    unread: int = 0
    """New texts that say nothing: no letters, or of a script that the model does not know and in words that nobody has
    written under a hashtag."""
    identifiers: int = 0
    people: int = 0
    since: str | None = None
    """The night whose sums were gone on from; None where all texts that the lake holds were read."""


@dataclass(frozen=True)
class Kept:
    """The sums of an earlier night."""

    identifiers: pa.Array
    texts: np.ndarray
    """(identifiers,)"""
    sums: np.ndarray
    """(identifiers, dimensions), in a file that is mapped into memory."""
    expected: scipy.sparse.csr_array
    """(identifiers, categories), of the categories of tonight."""

    @classmethod
    def read(cls, lake: Lake, ds: str, model: TextModel, categories: Categories, scratch: Path) -> Kept:
        """Read those of one night; what belongs to a category that is no more is left out."""
        files = [pq.ParquetFile(file) for file in lake.files(IDENTIFIER_WORDS.name, ds)]
        count = sum(file.metadata.num_rows for file in files)
        sums = np.memmap(scratch, "float32", "w+", shape=(max(count, 1), model.dimensions))
        place_of = pd.Index(categories.names)
        identifiers, texts, parts, start = [], [], [], 0
        batches = (batch for file in files for batch in file.iter_batches(_IDENTIFIERS_A_BATCH))
        for batch in batches:
            vectors = batch["text_sum"].flatten().to_numpy().reshape(batch.num_rows, model.dimensions)
            sums[start : start + batch.num_rows] = vectors
            start += batch.num_rows
            identifiers.append(batch["identifier"])
            texts.append(batch["texts"].to_numpy())
            lengths = batch["expected_texts"].value_lengths().fill_null(0).to_numpy()
            found = batch["expected_texts"].flatten()
            columns = place_of.get_indexer(found.field("category").to_pylist()) if len(found) else np.empty(0, int)
            is_known = columns >= 0
            owners = np.repeat(np.arange(batch.num_rows), lengths)[is_known]
            values = found.field("weight").to_numpy()[is_known]
            parts.append(
                scipy.sparse.csr_array(
                    (values, (owners, columns[is_known])), shape=(batch.num_rows, len(categories.names))
                )
            )
        return cls(
            pa.concat_arrays(identifiers) if identifiers else pa.array([], pa.string()),
            np.concatenate(texts) if texts else np.empty(0, "int64"),
            sums,
            scipy.sparse.vstack(parts, format="csr") if parts else scipy.sparse.csr_array((0, len(categories.names))),
        )


def night_before(lake: Lake, ds: str, model: TextModel) -> str:
    """The latest earlier night; empty where there is none, or another model made its sums."""
    earlier = [day for day in lake.days(IDENTIFIER_WORDS.name, until=ds) if day < ds]
    if not earlier:
        return ""
    files = [str(file) for file in lake.files(IDENTIFIER_WORDS.name, earlier[-1])]
    first = pyarrow.dataset.dataset(files).head(1, columns=["text_model"])
    is_same = first.num_rows == 0 or first["text_model"][0].as_py() == model.name
    return earlier[-1] if is_same else ""


def write_people(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    ds: str,
    model: TextModel,
    categories: Categories,
    since: str,
    files: dict[str, Path],
) -> Counted:
    """Write the rows of both tables, in the order of people.

    Args:
        connection: with `people` and `written`, as `serving/words/texts.py` makes them, of what arrived after `since`.
        since: what `night_before` finds.
        files: table -> file.
    """
    counted = Counted(since=since or None)
    scratch = files[IDENTIFIER_WORDS.name].with_suffix(".sums")
    faded = 1.0
    kept = None
    if since:
        kept = Kept.read(lake, since, model, categories, scratch)
        faded = float(_half_lives(_days_between(since, ds)))
    known = kept.identifiers if kept else pa.array([], pa.string())
    connection.register("kept", pa.table({"identifier": known, "place": np.arange(len(known))}))
    owners = connection.sql("""
        select people.person_id, identifier, coalesce(kept.place, -1) as place
        from (select identifier from kept union select identifier from written) join people using (identifier)
        left join kept using (identifier)
        order by person_id, identifier
    """).to_arrow_table()
    writers = {
        table.name: pq.ParquetWriter(files[table.name], arrow_schema(table))
        for table in (IDENTIFIER_WORDS, PERSON_WORDS)
    }
    try:
        for some in _by_person(owners):
            batch = _Batch.of(some, kept, faded, model, categories)
            batch.read(connection, ds, counted)
            batch.write(writers, counted)
    finally:
        for writer in writers.values():
            writer.close()
        del kept
        scratch.unlink(missing_ok=True)
    return counted


def _by_person(owners: pa.Table) -> Iterator[pd.DataFrame]:
    """Some identifiers at a time, and all of a person."""
    rows = owners.to_pandas()
    people = rows["person_id"].to_numpy()
    start = 0
    while start < len(rows):
        end = min(start + _IDENTIFIERS_A_BATCH, len(rows))
        while end < len(rows) and people[end] == people[end - 1]:
            end += 1
        yield rows.iloc[start:end].reset_index(drop=True)
        start = end


@dataclass
class _Batch:
    """The sums of some identifiers."""

    rows: pd.DataFrame
    """person_id, identifier, by these."""
    model: TextModel
    categories: Categories
    texts: np.ndarray
    sums: np.ndarray
    expected: np.ndarray

    @classmethod
    def of(
        cls, rows: pd.DataFrame, kept: Kept | None, faded: float, model: TextModel, categories: Categories
    ) -> _Batch:
        texts = np.zeros(len(rows), "int64")
        sums = np.zeros((len(rows), model.dimensions), "float32")
        expected = np.zeros((len(rows), len(categories.names)))
        if kept is not None:
            places = rows["place"].to_numpy()
            is_kept = places >= 0
            texts[is_kept] = kept.texts[places[is_kept]]
            sums[is_kept] = kept.sums[places[is_kept]] * np.float32(faded)
            expected[is_kept] = kept.expected[places[is_kept]].toarray() * faded
        return cls(rows, model, categories, texts, sums, expected)

    def read(self, connection: duckdb.DuckDBPyConnection, ds: str, counted: Counted) -> None:
        """Add what these people wrote."""
        bounds = [self.rows["person_id"].iloc[0], self.rows["person_id"].iloc[-1]]
        written = connection.sql(
            "select identifier, text, occurred_at from written where person_id between ? and ?"
            " order by person_id, identifier, occurred_at, text",
            params=bounds,
        ).to_arrow_reader(_TEXTS_A_BATCH)
        place_of = pd.Index(self.rows["identifier"])
        end = np.datetime64(ds, "us") + np.timedelta64(1, "D")
        for batch in written:
            texts = batch["text"].dictionary_encode()
            different, places = texts.dictionary.to_pylist(), texts.indices.to_numpy()
            vectors = self.model.embed(different)
            chances = self.categories.chances(different, vectors)
            reads = (vectors.any(axis=1) | chances.any(axis=1))[places]
            counted.new_texts += len(reads)
            counted.unread += int((~reads).sum())
            if not reads.any():
                continue
            places = places[reads]
            moments = batch["occurred_at"].to_numpy(zero_copy_only=False).astype("datetime64[us]")[reads]
            weights = _half_lives(np.maximum((end - moments) / np.timedelta64(1, "D"), 0))
            owners = place_of.get_indexer(batch["identifier"].to_pylist())[reads]
            adding = scipy.sparse.csr_array(
                (weights, (owners, np.arange(len(owners)))), shape=(len(self.rows), len(owners))
            )
            self.texts += np.bincount(owners, minlength=len(self.rows))
            self.sums += (adding @ vectors[places]).astype("float32")
            self.expected += adding @ chances[places]

    def write(self, writers: dict[str, pq.ParquetWriter], counted: Counted) -> None:
        """Write the rows of those who have any sum, and of their people."""
        has_any = self.texts > 0
        if not has_any.any():
            return
        rows = self.rows[has_any]
        texts, sums, expected = self.texts[has_any], self.sums[has_any], self.expected[has_any]
        everyone = np.full(len(rows), True)
        models = pa.array([self.model.name] * len(rows), pa.string())
        writers[IDENTIFIER_WORDS.name].write_table(
            pa.Table.from_arrays(
                [
                    pa.array(rows["identifier"], pa.string()),
                    pa.array(texts),
                    vector_array(sums, everyone),
                    _expected_array(expected, self.categories),
                    models,
                ],
                schema=arrow_schema(IDENTIFIER_WORDS),
            )
        )
        people, owners = np.unique(rows["person_id"].to_numpy(dtype=str), return_inverse=True)
        together = scipy.sparse.csr_array(
            (np.ones(len(owners)), (owners, np.arange(len(owners)))), shape=(len(people), len(owners))
        )
        vectors = in_steps((together @ sums).astype("float32"))
        writers[PERSON_WORDS.name].write_table(
            pa.Table.from_arrays(
                [
                    pa.array(people.tolist(), pa.string()),
                    pa.array((together @ texts).astype("int64")),
                    vector_array(vectors, vectors.any(axis=1)),
                    interests_of(together @ expected, self.categories.names),
                    models.slice(0, len(people)),
                ],
                schema=arrow_schema(PERSON_WORDS),
            )
        )
        counted.identifiers += len(rows)
        counted.people += len(people)


def _expected_array(expected: np.ndarray, categories: Categories) -> pa.Array:
    owners, places = np.nonzero(expected >= LEAST_EXPECTED)
    ends = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(expected)))])
    element = arrow_schema(IDENTIFIER_WORDS).field("expected_texts").type.value_type
    names = pa.array(list(categories.names), pa.string())
    rows = pa.StructArray.from_arrays(
        [names.take(pa.array(places)), pa.array(expected[owners, places])], fields=list(element)
    )
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), rows)


def _half_lives(days: np.ndarray | float) -> np.ndarray:
    """What is left of a weight after so many days."""
    return np.power(0.5, np.asarray(days) / HALF_LIFE_DAYS)


def _days_between(first: str, last: str) -> int:
    return (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days
