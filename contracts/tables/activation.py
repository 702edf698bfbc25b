"""Who is in which arm of an experiment, what is planned, what sending changed, and what scores were worth."""

from __future__ import annotations

from contracts.schema import Column, Table
from contracts.tables.vocabulary import PERSON_ID, PSEUDONYM_PATTERN

CHALLENGER = "challenger"
"""The experiment of those whose lists are the ones of the version in shadow, and its arm; no campaign has this name."""

ASSIGNMENTS = Table(
    "assignments",
    grain="one person in one experiment",
    key=("person_id", "experiment"),
    columns=(
        PERSON_ID,
        Column("experiment", "string", "the campaign whose experiment it is, or `global`", required=True),
        Column("salt", "string", "the experiment's salt; another one is another experiment", required=True),
        Column(
            "identifier",
            "string",
            "the person's first identifier, by which the arm is drawn",
            required=True,
            pattern=PSEUDONYM_PATTERN,
            holds="identifier",
        ),
        Column(
            "holdout_place",
            "double",
            "held out where it is below the holdout's share, 0 to 1",
            required=True,
            least=0,
            greatest=1,
        ),
        Column("variant_place", "double", "which variant the others get, 0 to 1", required=True, least=0, greatest=1),
        Column("arm", "string", "`holdout`, or the variant; `treated` where there are none", required=True),
        Column("since", "date", "the first day on which the person was in the experiment", required=True),
        Column(
            "moved",
            "boolean",
            "whether the person, or one of the identifiers, was in another arm on an earlier night",
            required=True,
        ),
        Column(
            "left_out",
            "boolean",
            "whether the person moved, merged, fell apart or got another first identifier since: not in the lift",
            required=True,
        ),
    ),
)
"""One full state a day."""

ELIGIBLE = Table(
    "eligible",
    grain="one person in one experiment whom the campaign could have written to on the person's first night in it",
    key=("person_id", "experiment"),
    columns=(
        PERSON_ID,
        Column("experiment", "string", "the campaign whose experiment it is", required=True),
        Column("salt", "string", "the experiment's salt; another one is another experiment", required=True),
        Column("since", "date", "the person's first night in the experiment, as in `assignments`", required=True),
    ),
)
"""One full state a day, of people of all arms: who agreed to the campaign's purpose, met its `who` and was recommended
something that it may carry, on the night of the lot and before any message. The lift is about them."""

VERDICTS = ("too_early", "none_shown", "higher", "lower")
"""What an interval says of a difference: nothing yet; it holds zero; the treated have more; they have less."""

LIFT_METRICS = ("visit", "purchase", "euros", "unsubscribe")
"""Of a person, since the first day in the experiment: whether one acted on an item, whether one bought, euros of what
one bought, whether one said no to `marketing_contact`."""

LIFT = Table(
    "lift",
    grain="one metric of one arm of an experiment against those held out, as known on the day",
    key=("campaign", "arm", "metric"),
    columns=(
        Column("campaign", "string", "the campaign, or `global` for the holdout from all campaigns", required=True),
        Column("salt", "string", "the experiment's salt; another one is another experiment", required=True),
        Column("first_day", "date", "first day whose acts count: the one after the lot was drawn first", required=True),
        Column("last_day", "date", "last day whose acts count, so far", required=True),
        Column("planned_people", "bigint", "people for whom the interval is narrowest, chosen first", least=1),
        Column("arm", "string", "the arm that is compared with those held out", required=True),
        Column("metric", "string", f"a mean a person, one of {', '.join(LIFT_METRICS)}", required=True),
        Column("people_treated", "bigint", "people in the arm, whether the message reached them or not", least=0),
        Column("people_held_out", "bigint", "people held out", required=True, least=0),
        Column(
            "people_left_out", "bigint", "people of both who merged, fell apart or moved, and are in neither", least=0
        ),
        Column("mean_treated", "double", "mean of the arm, adjusted; null without people"),
        Column("mean_held_out", "double", "mean of those held out, adjusted; null without people"),
        Column("difference", "double", "mean of the arm less mean of those held out: what sending changed a person"),
        Column("low", "double", "lower end of the interval; null while it is too early"),
        Column("high", "double", "upper end of the interval; null while it is too early"),
        Column("confidence", "double", "chance that the interval holds on all nights at once", least=0, greatest=1),
        Column("verdict", "string", f"one of {', '.join(VERDICTS)}", required=True, one_of=VERDICTS),
        Column("method", "string", "how the interval was computed, and for what size it is narrowest", required=True),
        Column("variance_removed", "double", "share of the variance that behaviour before explains", greatest=1),
        Column(
            "people_needed",
            "bigint",
            "people of both arms still missing until the interval leaves out zero, should the difference stay as it "
            "is; 0 where it does, null while it is too early or where there is no difference",
            least=0,
        ),
        Column("sample_ratio_evidence", "double", "Bayes factor against the stated shares of the arms", least=0),
        Column("sample_ratio_p", "double", "p-value of them that holds on all nights at once", least=0, greatest=1),
        Column(
            "sample_ratio_ok",
            "boolean",
            "false where the arms do not have the sizes they should have: then nothing here is to be trusted",
            required=True,
        ),
    ),
)

PLANS = Table(
    "plans",
    grain="one message of a campaign that is planned for one person",
    key=("person_id", "campaign"),
    columns=(
        PERSON_ID,
        Column("campaign", "string", "the campaign", required=True),
        Column("channel", "string", "what it goes out by", required=True),
        Column("arm", "string", "the variant of the campaign's experiment; null without one"),
        Column("items", "array<string>", "ids of the items that it carries, in their order", required=True),
        Column(
            "item_propensities",
            "array<double>",
            "chance of each item to stand in its place, given those before it; 1 where the campaign does not explore",
            required=True,
        ),
        Column(
            "pool",
            "array<string>",
            "ids of the items that its places are drawn from, best first; null where the campaign does not explore",
        ),
        Column(
            "propensity",
            "double",
            "chance that the lots would give the person this variant: its share in the experiment, 1 without one, "
            "times the share whom no global holdout holds back",
            required=True,
            least=0,
            greatest=1,
        ),
        Column("expected_value", "double", "euros expected from sending; null where no model says them", least=0),
        Column("cost", "double", "euros that sending costs, by the policy", required=True, least=0),
    ),
)
"""Published before anything leaves, one full state a day; earlier days are what limits count."""

OUTCOMES = (
    "planned",
    "no_consent",
    "outside",
    "failed",
    "no_recommendation",
    "held_out",
    "suppressed",
    "quiet",
    "capped",
    "outbid",
    "over_budget",
    "small_group",
)
"""What becomes of a person in a campaign, by the first that holds but `planned`, which is when none does."""

PLAN_BOOKS = Table(
    "plan_books",
    grain="one campaign of a night's plan",
    key=("campaign",),
    columns=(
        Column("campaign", "string", "the campaign", required=True),
        Column("channel", "string", "what it goes out by", required=True),
        Column("sends", "string", "the name under which its clicks come back; null where it says none"),
        Column("definition", "string", "hash of the campaign's file and of the policy", required=True),
        Column("considered", "bigint", "people; the sum of all that follow", required=True, least=0),
        *(Column(name, "bigint", "people of whom this is so", required=True, least=0) for name in OUTCOMES),
        Column("expected_value", "double", "euros expected from what is planned, as far as a model says them", least=0),
        Column("cost", "double", "euros that sending costs, by the policy", required=True, least=0),
    ),
)
"""Names nobody: kept for as long as figures are compared."""

REALISED = Table(
    "realised",
    grain="one metric of one model version, or of the baseline `popularity` on the same people, on the day",
    key=("people_of", "model_version", "metric"),
    columns=(
        Column("people_of", "string", "the model version whose people these are, as `next_item/3`", required=True),
        Column("model_version", "string", "what is measured on them: the same, or `popularity`", required=True),
        Column(
            "metric", "string", "ndcg@10, hit_rate@10, or of a chance as `click_auc`: see docs/loop.md", required=True
        ),
        Column("value", "double", "the metric", required=True),
        Column("low", "double", "lower end of a 95 % interval over people; null where it is no mean of people"),
        Column("high", "double", "upper end of it"),
        Column("people", "bigint", "people that it is measured on", required=True, least=0),
        Column("scored_on", "date", "the day whose scores are measured", required=True),
        Column("first_day", "date", "first day of what people did", required=True),
        Column("last_day", "date", "last day of what people did", required=True),
        Column("shadow", "boolean", "true of a version in shadow, whose lists nobody saw"),
    ),
)
"""Names nobody: kept for as long as figures are compared. No partition of a day before which nothing was scored."""

DELIVERY_ACTIONS = ("add", "remove")
"""A message to a person, who is in the audience at the destination from then on; and that the person is no more."""

DELIVERY_STATUSES = ("delivered", "refused", "waiting", "unknown", "withheld")
"""The destination has confirmed it; it will not take it; it goes with the next run; it was handed over on an earlier
night and never confirmed, and a later night has gone on; it was not sent, for the reason that stands beside it."""

_HANDED_ID = r"^[0-9a-f]{32}$"

AUDIENCE_MEMBERS = Table(
    "audience_members",
    grain="one person in the audience of one campaign at one destination",
    key=("destination", "campaign", "member_id"),
    columns=(
        Column(
            "person_id",
            "string",
            "the person; null of one who was erased, of whom nothing but the removal there is left to do",
            holds="person",
        ),
        Column("campaign", "string", "the campaign", required=True),
        Column("destination", "string", "its name in destinations.yml", required=True),
        Column(
            "member_id",
            "string",
            "random digits by which the destination knows the person; they follow from nothing, and stay",
            required=True,
            pattern=_HANDED_ID,
        ),
        Column("since", "date", "the first night whose message was to be handed over", required=True),
        Column(
            "plan", "date", "the night of the last message that the destination has confirmed; null before the first"
        ),
    ),
)
"""One full state a day, written before anything is sent: it says who may be known there, and under what id."""

DELIVERIES = Table(
    "deliveries",
    grain="one message, or one removal, of one person for one destination",
    key=("destination", "campaign", "delivery_id"),
    columns=(
        Column(
            "delivery_id",
            "string",
            "random digits by which the destination knows the message again: the second time changes nothing",
            required=True,
            pattern=_HANDED_ID,
        ),
        Column("person_id", "string", "the person; null of the removal of one who was erased", holds="person"),
        Column("campaign", "string", "the campaign", required=True),
        Column("plan", "date", "the night whose audience it is", required=True),
        Column("destination", "string", "its name in destinations.yml", required=True),
        Column("action", "string", "add, a message; or remove", required=True, one_of=DELIVERY_ACTIONS),
        Column("status", "string", "what became of it", required=True, one_of=DELIVERY_STATUSES),
        Column("reason", "string", "why it was not delivered, in one word; null where it was"),
        Column("attempt", "int", "how often it was handed over", required=True, least=0),
    ),
)
"""The receipts of a night. No address stands in it."""

ACTIVATION_TABLES = (ASSIGNMENTS, ELIGIBLE, PLANS, PLAN_BOOKS, LIFT, REALISED, AUDIENCE_MEMBERS, DELIVERIES)
"""What deciding and measuring write."""
