"""Publish what texts mean as vectors, before the models of the night train.

item_vectors  what the title of each item means; null without a title, or for one that says nothing to the model

The model is static: no training, no network. NIGHTSHIFT_TEXT_MODEL names another, as module:function.

    python -m serving.words --ds 2026-11-20
"""

from __future__ import annotations

from dataclasses import asdict

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.served import ITEM_VECTORS
from serving.words.items import write_item_vectors
from serving.words.model import text_model


def main() -> None:
    chosen = day_parser("serving.words", __doc__).parse_args()
    exit_with_sentence(lambda: publish_words(chosen.ds))


def publish_words(ds: str) -> None:
    """Publish `item_vectors` of one day.

    Raises:
        LakeError: the marts of that day were not built.
        SettingsError: NIGHTSHIFT_TEXT_MODEL names no model.
        BusyError: another run of this is at work.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("words"), Report(settings.home.reports, ds).timed("words") as fragment:
        model = text_model(settings.text_model)
        staging = lake.staging("words")
        file = staging / f"{ITEM_VECTORS.name}.parquet"
        items = write_item_vectors(lake, ds, model, file)
        lake.publish(ITEM_VECTORS.name, ds, {file.name: file})
        fragment["words"] = {"model": model.name, "items": {**asdict(items), "with_vector": items.with_vector}}
    if items.items and not items.with_vector:
        say("words: WARNING: no item has a title that the model can read; what needs vectors of items does without")
    say(f"words: vectors of {items.with_vector:,} of {items.items:,} items by {model.name}")


if __name__ == "__main__":
    main()
