"""People of the store: who has which identifiers, lists, histories and arms. Nothing of those who did not agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.tables.vocabulary import IDENTIFIER_KINDS
from serving.online import layout
from serving.storing.catalogue import Catalogue
from serving.storing.writing import Writer, grouped

_ROWS_A_BATCH = 100_000
_PERSON = "('0x' || substr({}person_id, 2))::ubigint"


def write_identifiers(writer: Writer, connection: duckdb.DuckDBPyConnection) -> None:
    """The table `identifiers`; those of people who did not agree lead to nobody, and not to each other.

    Args:
        connection: with `persons` and `agreed` (person_id).
    """
    kinds = ", ".join(f"'{kind}'" for kind in IDENTIFIER_KINDS)
    digest = "substr(identifier, position(':' in identifier) + 1)"
    batches = connection.sql(f"""
        select list_position([{kinds}], split_part(identifier, ':', 1)) - 1 as kind,
            ('0x' || substr({digest}, 1, 16))::ubigint as high, ('0x' || substr({digest}, 17, 16))::ubigint as low,
            case when agreed.person_id is null then 0 else {_PERSON.format("persons.")} end::ubigint as person
        from persons left join agreed using (person_id)
        order by kind, high, low
    """).to_arrow_reader(_ROWS_A_BATCH)
    writer.put("identifiers", _identifiers(batches))


def _identifiers(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[bytes, bytes]]:
    for batch in batches:
        keys = np.empty(len(batch), layout.IDENTIFIER)
        for name in layout.IDENTIFIER.names:
            keys[name] = batch[name].to_numpy(zero_copy_only=False)
        people = batch["person"].to_numpy(zero_copy_only=False).astype(">u8")
        yield from zip(_pieces(keys.tobytes(), keys.itemsize), _pieces(people.tobytes(), 8), strict=True)


def write_people(
    writer: Writer, connection: duckdb.DuckDBPyConnection, experiments: Mapping[str, Sequence[str]]
) -> int:
    """The table `people`; returns how many agreed to personalisation.

    Args:
        connection: with `agreed` (person_id, profiling), `in_segments` (person_id, code), and where there are
            experiments `assignments`.
        experiments: experiment -> its arms.
    """
    rows = connection.sql(f"""
        select {_PERSON.format("agreed.")} as person, profiling, coalesce(code, 0) as segment
        from agreed left join in_segments using (person_id) order by person
    """).to_arrow_table()
    people = rows["person"].to_numpy()
    packed = np.zeros(len(people), np.dtype([("person", layout.PERSON), ("arms", "u1", (len(experiments),))]))
    packed["person"]["profiling"], packed["person"]["segment"] = (
        rows["profiling"].to_numpy(),
        rows["segment"].to_numpy(),
    )
    for number, (experiment, arms) in enumerate(experiments.items()):
        drawn = connection.execute(
            f"select {_PERSON.format('')} as person, arm from assignments where experiment = ?", [experiment]
        ).to_arrow_table()
        places = np.searchsorted(people, drawn["person"].to_numpy())
        there = places < len(people)
        there[there] = people[places[there]] == drawn["person"].to_numpy()[there]
        codes = pc.index_in(drawn["arm"], pa.array(arms)).to_numpy() + 1
        packed["arms"][places[there], number] = codes[there]
    keys = people.astype(">u8").tobytes()
    return writer.put("people", zip(_pieces(keys, 8), _pieces(packed.tobytes(), packed.itemsize), strict=True))


def write_lists(writer: Writer, connection: duckdb.DuckDBPyConnection) -> None:
    """The table `lists`: the rows of `scores` of those who agreed.

    Args:
        connection: with `scores`, `agreed`, `coded` (item_id, code), `reasons` (reason, code) and `versions`
            (model_version, code).
    """
    batches = connection.sql(f"""
        select {_PERSON.format("scores.")} as person, coded.code as item, coalesce(reasons.code, 0) as reason,
            versions.code as version, score
        from scores semi join agreed using (person_id) join coded using (item_id)
        join versions using (model_version) left join reasons using (reason)
        order by person, rank
    """).to_arrow_reader(_ROWS_A_BATCH)
    writer.put("lists", grouped(batches, "person", layout.PLACE))


def write_histories(
    writer: Writer, connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, *, with_times: bool
) -> None:
    """The table `histories`: codes of all items that a person acted on, oldest first, and times if a model reads them.

    Args:
        connection: with `scoring_sequences` and `agreed`.
    """
    batches = connection.sql(f"""
        select {_PERSON.format("scoring_sequences.")} as person, item_ids, occurred_at
        from scoring_sequences semi join agreed using (person_id) order by person
    """).to_arrow_reader(_ROWS_A_BATCH // 10)
    writer.put("histories", _histories(batches, pa.array(catalogue.items["item_id"]), with_times))


def _histories(batches: Iterable[pa.RecordBatch], ids: pa.Array, with_times: bool) -> Iterator[tuple[bytes, bytes]]:
    for batch in batches:
        items = batch["item_ids"]
        codes = pc.fill_null(pc.index_in(items.flatten(), ids), -1).to_numpy().astype("<i8") + 1
        offsets = items.offsets.to_numpy() - items.offsets[0].as_py()
        times = None
        if with_times:
            moments = batch["occurred_at"].flatten().cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            times = moments.to_numpy() / 1e6
        known = codes > 0
        ends = np.concatenate([[0], np.cumsum(known)])[offsets].tolist()
        content = codes[known].astype("<u4").tobytes()
        moments = b"" if times is None else times[known].astype("<f8").tobytes()
        keys = batch["person"].to_numpy(zero_copy_only=False).astype(">u8").tobytes()
        for place, (start, end) in enumerate(pairwise(ends)):
            value = content[4 * start : 4 * end]
            yield keys[8 * place : 8 * place + 8], value + moments[8 * start : 8 * end]


def write_tastes(writer: Writer, connection: duckdb.DuckDBPyConnection) -> None:
    """The table `tastes`: vectors of the latest earlier night, as the model reads them.

    Args:
        connection: with `tastes` (person_id, taste_vector) and `agreed`.
    """
    batches = connection.sql(f"""
        select {_PERSON.format("tastes.")} as person, taste_vector
        from tastes semi join agreed using (person_id) where taste_vector is not null order by person
    """).to_arrow_reader(_ROWS_A_BATCH // 10)
    writer.put("tastes", _tastes(batches))


def _tastes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[bytes, bytes]]:
    for batch in batches:
        vectors = batch["taste_vector"]
        content = vectors.flatten().to_numpy().astype("<f4").tobytes()
        offsets = (vectors.offsets.to_numpy() - vectors.offsets[0].as_py()).tolist()
        keys = batch["person"].to_numpy(zero_copy_only=False).astype(">u8").tobytes()
        for place, (start, end) in enumerate(pairwise(offsets)):
            yield keys[8 * place : 8 * place + 8], content[4 * start : 4 * end]


def _pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size)) if size else iter(())
