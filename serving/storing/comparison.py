"""Batch = online: what the API would give, beside the lists of the night."""

from __future__ import annotations

import duckdb

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.served import SCORES
from lake_tables.shown_lists import view_shown_lists
from serving.online import layout
from serving.online.opened_store import OpenedStore
from serving.online.recommending import TOP, recommend


def require_equal_lists(store: OpenedStore, lake: Lake, ds: str, sample: int) -> int:
    """Compare the lists of some people, drawn by a hash of their ids; returns how many.

    Items, scores, reasons and versions have to be equal, rank by rank. Who is not in the store has withdrawn since.

    Raises:
        LakeError: one differs.
    """
    with duckdb.connect(config=duckdb_config()) as connection:
        view_shown_lists(connection, lake, ds)
        rows = connection.execute(
            f"""
            with people as (
                select person_id from (select distinct person_id from scores)
                order by hash(person_id, $ds) limit {sample}
            )
            select person_id, list((item_id, score, reason, model_version) order by rank)
            from scores semi join people using (person_id) where rank <= {TOP} group by person_id
            """,
            {"ds": ds},
        ).fetchall()
    different, compared, example = 0, 0, ""
    for person_id, listed in rows:
        key = layout.person_key(person_id)
        if store.person(key) is None:
            continue
        compared += 1
        found = [
            (store.item(one.item)["item_id"], one.score, one.reason, one.version)
            for one in recommend(store, key, count=len(listed)).items
        ]
        if found != [tuple(one) for one in listed]:
            different += 1
            rank = next(
                (
                    rank
                    for rank, (ours, theirs) in enumerate(zip(found, map(tuple, listed), strict=False), 1)
                    if ours != theirs
                ),
                len(found) + 1,
            )
            example = example or f"the first of them from rank {rank} on"
    if different:
        raise LakeError(
            expected=f"the lists of {SCORES.name} of {ds} for {compared:,} people from the new store",
            received=f"others for {different:,} of them, {example}",
            remedy=f"the old store goes on answering; run `python -m serving.score --ds {ds} --everyone` and "
            f"`python -m serving.store --ds {ds}`",
        )
    return compared
