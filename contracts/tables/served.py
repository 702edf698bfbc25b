"""What models say and partners return, one full state a day."""

from __future__ import annotations

from dataclasses import replace

from contracts.schema import Column, Table
from contracts.tables.marts import TRAINING_RESPONSES
from contracts.tables.vocabulary import (
    IDENTIFIER,
    PERSON_ID,
    PICTURE_INTERESTS,
    SOUND_INTERESTS,
    TASTE_VECTOR,
    TEXT_INTERESTS,
    TEXT_VECTOR,
)

SYNTHETIC_RESPONSES = Table(
    "synthetic_responses",
    grain="one row that the admitted generator made up; it stands for no person",
    key=(),
    columns=tuple(
        column for column in TRAINING_RESPONSES.columns if column.name not in ("person_id", "sent_on", "treatment")
    ),
)

SCORES = Table(
    "scores",
    grain="one recommended item of one person",
    key=("person_id", "rank"),
    columns=(
        PERSON_ID,
        Column("rank", "int", "1 is the best", required=True, least=1),
        Column("item_id", "string", "the item", required=True),
        Column("score", "double", "the model's score, comparable within the person only", required=True),
        Column("reason", "string", "why, in words for the person; none where no campaign can carry the item"),
        Column(
            "model_version", "string", "model and version that ranked, as `next_item/3`, or `popularity`", required=True
        ),
    ),
)

SHADOW_SCORES = Table(
    "shadow_scores",
    grain="one item that a version in shadow would have recommended to one person",
    key=SCORES.key,
    columns=SCORES.columns,
)
"""Shown to nobody: ten items of each person whom that version ranks. No partition of a night without such a version."""

RESPONSES = Table(
    "responses",
    grain="one person and campaign, in the week that begins after the day",
    key=("person_id", "campaign"),
    columns=(
        PERSON_ID,
        Column("campaign", "string", "the campaign", required=True),
        Column(
            "click_chance", "double", "chance to come from it within a week, 0 to 1", required=True, least=0, greatest=1
        ),
        Column(
            "purchase_chance", "double", "chance to buy in such a session, 0 to 1", required=True, least=0, greatest=1
        ),
        Column(
            "leave_chance",
            "double",
            "chance of 14 days without an act, 0 to 1; null before any were known",
            least=0,
            greatest=1,
        ),
        Column(
            "expected_value",
            "double",
            "euros expected from sending: purchase_chance x mean order",
            required=True,
            least=0,
        ),
        Column("reasons", "array<string>", "what raised the chance to click most, in words", required=True),
        Column("model_version", "string", "model and version that scored, as `response/3`", required=True),
    ),
)

UPLIFTS = Table(
    "uplifts",
    grain="one person and one campaign that had an experiment, in the week that begins after the day",
    key=("person_id", "campaign"),
    columns=(
        PERSON_ID,
        Column("campaign", "string", "the campaign, by the name of its file", required=True),
        Column(
            "uplift_click",
            "double",
            "what sending changes in the chance to come within a week, -1 to 1",
            required=True,
            least=-1,
            greatest=1,
        ),
        Column(
            "uplift_purchase",
            "double",
            "what sending changes in the chance to buy within a week, -1 to 1",
            required=True,
            least=-1,
            greatest=1,
        ),
        Column("uplift_euros", "double", "euros that sending adds: uplift_purchase x mean order", required=True),
        Column("reasons", "array<string>", "what raised uplift_click most, in words", required=True),
        Column("model_version", "string", "model and version that scored, as `uplift/3`", required=True),
    ),
)
"""Without a champion of `uplift` it has no rows."""

PREDICTIONS = Table(
    "predictions",
    grain="one person, as the champions of the night see them",
    key=("person_id",),
    columns=(
        PERSON_ID,
        TASTE_VECTOR,
        PICTURE_INTERESTS,
        SOUND_INTERESTS,
        Column(
            "leave_chance",
            "double",
            "chance of 14 days without an act, 0 to 1; null without a model",
            least=0,
            greatest=1,
        ),
        Column(
            "expected_value", "double", "euros expected from the person's best campaign; null without a model", least=0
        ),
        Column("best_campaign", "string", "campaign of the highest expected value; null without a model"),
        Column(
            "inputs",
            "string",
            "hash of what scores and taste follow from: with an equal one, the next night keeps them; null where "
            "popularity ranks",
        ),
        Column(
            "passed_over",
            "array<string>",
            "items that would have been recommended, if they could be had or had another price, and those among which "
            "diversity or margin have ordered the list: where one comes or goes, the person is scored again",
        ),
    ),
)

NEIGHBOUR_KINDS = ("behaviour", "content")
"""Items that the same people acted on, and items that the catalogue describes alike."""

MOST_NEIGHBOURS = 20
"""Of an item and kind."""

ITEM_NEIGHBOURS = Table(
    "item_neighbours",
    grain="one neighbour of one item, of one kind",
    key=("item_id", "kind", "rank"),
    columns=(
        Column("item_id", "string", "the item, also one that is not available", required=True),
        Column(
            "kind",
            "string",
            "`behaviour`: the same people acted on both; `content`: category, title and price are alike",
            required=True,
            one_of=NEIGHBOUR_KINDS,
        ),
        Column("rank", "int", "1 is the most similar", required=True, least=1, greatest=MOST_NEIGHBOURS),
        Column("neighbour_id", "string", "the similar item, which is available", required=True),
        Column("score", "double", "0 to 1, comparable within the kind", required=True, least=0, greatest=1),
    ),
)
"""It names nobody."""

ITEM_VECTORS = Table(
    "item_vectors",
    grain="one item that can be recommended, as `dim_item` has it",
    key=("item_id",),
    columns=(
        Column("item_id", "string", "the item", required=True),
        replace(TEXT_VECTOR, meaning=f"of the title; null without one. {TEXT_VECTOR.meaning}"),
        Column("text_model", "string", "model and weights that made the vector; null without one"),
    ),
)
"""Made after the profiles and before the trainings of a night. It names nobody."""

_TEXT_MODEL = Column("text_model", "string", "model and weights that read the texts", required=True)

IDENTIFIER_WORDS = Table(
    "identifier_words",
    grain="one identifier that wrote something, of a person who agrees to profiling",
    key=("identifier",),
    columns=(
        IDENTIFIER,
        Column("texts", "bigint", "texts that were read, up to the day", required=True, least=1),
        Column(
            "text_sum",
            "array<float>",
            "the sum of their vectors, each halved for every 30 days since it was written",
            required=True,
        ),
        Column(
            "expected_texts",
            "array<struct<category:string,weight:double>>",
            "how many of them are expected to speak of a category, halved likewise",
        ),
        _TEXT_MODEL,
    ),
)
"""Each night goes on from the one before, and reads the day's new texts alone. In the order of tonight's persons."""

PERSON_WORDS = Table(
    "person_words",
    grain="one person who wrote something that the model can read, and agrees to profiling",
    key=("person_id",),
    columns=(
        PERSON_ID,
        Column("texts", "bigint", "texts that were read, up to the day", required=True, least=1),
        replace(TEXT_VECTOR, meaning=f"of all of them together, newer ones weighing more. {TEXT_VECTOR.meaning}"),
        TEXT_INTERESTS,
        _TEXT_MODEL,
    ),
)
"""Made after the profiles of the night, so that it enters those of the next."""

PARTNER_SCORES = Table(
    "partner_scores",
    grain="one person, as a partner's head sees the encrypted profile",
    key=("person_id",),
    columns=(
        PERSON_ID,
        Column("score", "double", "bias and weighed features of the partner's head, decrypted", required=True),
        Column(
            "chance",
            "double",
            "the score as a chance, 0 to 1, where the head is one of a logistic model",
            least=0,
            greatest=1,
        ),
    ),
)

SERVED_TABLES = (
    SCORES,
    SHADOW_SCORES,
    RESPONSES,
    UPLIFTS,
    PREDICTIONS,
    ITEM_NEIGHBOURS,
    ITEM_VECTORS,
    IDENTIFIER_WORDS,
    PERSON_WORDS,
    SYNTHETIC_RESPONSES,
    PARTNER_SCORES,
)
"""What the champions say, one full state a day."""
