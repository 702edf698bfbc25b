"""Score everyone who agreed to personalisation with the champions of the night, and publish the scores.

scores       ten items each, and behind them the best of each category of which a campaign carries nothing else; why,
             for those that a campaign can carry. Items that the catalogue calls unavailable are left out before that,
             and counted
responses    for each campaign the chance to click, to buy and to leave, the euros expected from sending, and why
predictions  taste vector, interests seen in posted photos, chance to leave, best campaign: what enters the profile

Reads the marts of the day. Items that a person has acted on are left out; people without history get what is popular,
and so does everyone while no model has earned to be champion. Where a model has no champion, its columns are empty.
A person for whom there is no usable ranking is counted as failed and gets no row.

    python -m serving.score --ds 2026-11-20
    python -m serving.score --ds 2026-11-20 --changed-since 2026-11-19
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arguments import day, day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.served import PREDICTIONS, RESPONSES, SCORES
from contracts.verdicts import last_champions
from lake_tables.arrow import arrow_schema
from serving.scoring.champions import Champion, Champions
from serving.scoring.histories import in_batches
from serving.scoring.marts import Marts
from serving.scoring.predictions import NO_RESPONSES, best_campaigns, predict_people
from serving.scoring.recommendations import recommend
from serving.scoring.rescoring import carried_over, people_to_rescore, people_with_ended_items
from serving.scoring.responses import predict_responses
from serving.scoring.shelf import Shelf, campaign_demand
from training.registry.client import CHAMPION, Registry


def main() -> None:
    arguments = day_parser("serving.score", __doc__)
    arguments.add_argument(
        "--changed-since",
        type=day,
        metavar="YYYY-MM-DD",
        help="score only people whose identity changed after that day; all others keep what was published for it",
    )
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: score(chosen.ds, chosen.changed_since))


def score(ds: str, changed_since: str | None = None) -> None:
    """Publish `scores`, `responses` and `predictions` of one day.

    Args:
        changed_since: a day that was scored; only people whose identity changed after it are scored again.

    Raises:
        LakeError: the marts of that day were not built, a person in them did not agree to personalisation, or the day
            `changed_since` was not scored.
        ModelError: a champion's files are not those that were registered.
        RegistryError: the registry does not answer.
        BusyError: another run is scoring.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("score"), Report(settings.home.reports, ds).timed("score") as fragment:
        champions = Champions(Registry.of(settings))
        marts = Marts.read(lake, ds, champions)
        people = marts.people
        to_score = people if changed_since is None else people_to_rescore(lake, ds, changed_since, people)
        shelf = Shelf.of(marts.items, campaign_demand(settings.campaigns))
        if changed_since is not None:
            to_score = np.union1d(to_score, people_with_ended_items(lake, changed_since, people, shelf.ended))
        others = np.setdiff1d(people, to_score)

        staging = lake.staging("score")
        file = staging / "scores.parquet"
        scored, ranked_by = 0, set()
        with pq.ParquetWriter(file, arrow_schema(SCORES)) as writer:
            if changed_since is not None:
                kept = carried_over(lake, SCORES, changed_since, others)
                scored += len(kept["person_id"].unique())
                writer.write_table(kept)
            for batch, histories in in_batches(to_score, marts.histories, marts.tastes):
                rows = recommend(batch, histories, marts.items, champions, shelf)
                scored += rows["person_id"].nunique()
                ranked_by |= set(rows["model_version"])
                writer.write_table(_as_table(rows, SCORES))
        lake.publish(SCORES.name, ds, {file.name: file})

        kept = carried_over(lake, RESPONSES, changed_since, others) if changed_since is not None else None
        file = staging / "responses.parquet"
        best, predicted = write_responses(file, marts.recipients, champions.get("response"), to_score, kept)
        lake.publish(RESPONSES.name, ds, {file.name: file})

        predictions = predict_people(settings.raw, to_score, marts, best, champions)
        file, parts = staging / "predictions.parquet", [_as_table(predictions, PREDICTIONS)]
        if changed_since is not None:
            parts.append(carried_over(lake, PREDICTIONS, changed_since, others))
        pq.write_table(pa.concat_tables(parts), file)
        lake.publish(PREDICTIONS.name, ds, {file.name: file})
        if alerts := _lost_champions(settings, champions):
            fragment["models"] = {model: {"alert": alert} for model, alert in alerts.items()}
        fragment |= {"scored_people": scored, "failed_people": len(people) - scored, "scored_anew": len(to_score)}
        fragment["unavailable"] = {
            "items": len(shelf.ended),
            "recommendations": shelf.passed_over,
            "people": shelf.people_passed_over,
        }
    if shelf.ended:
        say(
            f"score: {len(shelf.ended):,} items are not available; {shelf.passed_over:,} recommendations of "
            f"{shelf.people_passed_over:,} people went to others"
        )
    if changed_since is not None:
        say(f"score: {len(to_score):,} people scored again, {len(others):,} as on {changed_since}")
    by = ", ".join(sorted(ranked_by)) or "no model"
    say(f"score: {scored:,} people ranked by {by}, {len(people) - scored:,} failed")
    counts = {name: int(predictions[name].notna().sum()) for name in ("taste_vector", "picture_interests")}
    say(
        f"score: {predicted:,} responses predicted; taste vectors of {counts['taste_vector']:,} people, "
        f"interests in photos of {counts['picture_interests']:,}"
    )


def write_responses(
    file: Path, recipients: pa.Table, champion: Champion | None, people: np.ndarray, kept: pa.Table | None
) -> tuple[pd.DataFrame, int]:
    """Write the rows of `responses` of some people, and those that are kept from another day.

    Returns:
        What `best_campaigns` finds among the responses of everybody, and the number of these.
    """
    best, predicted = [], 0
    with pq.ParquetWriter(file, arrow_schema(RESPONSES)) as writer:
        for rows in predict_responses(recipients, champion):
            writer.write_table(_as_table(rows[rows["person_id"].isin(people)], RESPONSES))
            best.append(best_campaigns(rows))
            predicted += len(rows)
        if kept is not None:
            writer.write_table(kept)
    return pd.concat(best) if best else best_campaigns(NO_RESPONSES), predicted


def _lost_champions(settings: Settings, champions: Champions) -> dict[str, str]:
    """By model an alert, where one had become champion and there is none any more; each is also said."""
    alerts = {
        model: f"version {version} had become champion, and there is no champion any more: what it said is missing, "
        "or what is popular stands in its place; move the alias `champion` to a version, or train and promote"
        for model, version in last_champions(settings.home.ledger).items()
        if champions.registry.aliased(model, CHAMPION) is None
    }
    for model, alert in alerts.items():
        say(f"score: alert: {model}: {alert}")
    return alerts


def _as_table(rows: pd.DataFrame, table: Table) -> pa.Table:
    return pa.Table.from_pandas(rows, schema=arrow_schema(table), preserve_index=False)


if __name__ == "__main__":
    main()
