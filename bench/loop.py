"""Whom to write to, night after night and by the town's truth: by uplift, by response or at random, at one budget.

Nights of the whole pipeline are not needed for this, and 14 of them for each way to choose and each of five towns would
take half a day. So the town lives alone here, by the same people, the same planted effects and the same reaction as in
`make nights` (`sample_data.responses`), but without web log and tables; what models read is what a shop sees of its
people: visits, purchases and messages of the last weeks, age where a survey said it, the device.

Four weeks without messages; `--learn` nights on which a lot decides who gets one (that is the experiment from which all
learn); then `--nights` nights on which each way chooses `--share` of the people who may be written to, at most three
times a week, each in a world of its own. Equal seeds draw equal days, so that the worlds differ by the messages alone.
Euros are what those messages were to change by the planted chances; a person who leaves gets no more.

- `random`: by lot.
- `response`: logistic regression of "came from the message and bought" on those who got one.
- `uplift`: the net of the model `uplift`, which learns from the same nights what a message changes in "bought".
- `two_models`: the difference of two logistic regressions of "bought", with a message and without.
- `best`: by the planted effects themselves, which nobody can know.

    python -m bench.loop --seeds 1 2 3 4 5
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import result
from contracts.entry_point import exit_with_sentence
from contracts.errors import SettingsError
from sample_data.items import open_shop
from sample_data.parameters import Parameters
from sample_data.people import Person, settle
from sample_data.responses.effects import Chances, Crowd, kinds_of
from sample_data.responses.reaction import Messages, Reaction, react

CAMPAIGN = "autumn_letter"
PRICE = 50.0
"""Euros of the item that a letter leads to."""
FITS_SHARE = 0.7
"""How often it is of a category that the person has a taste for."""
VISIT_BUYS = 0.25
"""Chance that a visit which no message caused ends in an order, of `VISIT_EUROS` / 0.25 euros."""

WARM_DAYS, WEEK_DAYS, MOST_A_WEEK = 28, 7, 3
AGE_KNOWN_SHARE = 0.45
LOT_SHARE = 0.2
"""Of the people, who get a message on a night of the experiment."""


@dataclass
class Days:
    """What a world has lived through, one row a day: (days, people)."""

    visits: list[np.ndarray] = field(default_factory=list)
    bought: list[np.ndarray] = field(default_factory=list)
    sent: list[np.ndarray] = field(default_factory=list)

    def copy(self) -> Days:
        return Days(list(self.visits), list(self.bought), list(self.sent))

    def of_week(self) -> np.ndarray:
        """Messages of the last six days, which with one more make a week: (people,)."""
        return np.sum(self.sent[-(WEEK_DAYS - 1) :], axis=0)


@dataclass(frozen=True)
class Log:
    """Of the nights of the lot: what was known of each person on the night, who got a message, and what came of it."""

    rows: pd.DataFrame
    treated: np.ndarray
    bought: np.ndarray
    bought_from_it: np.ndarray
    """In a visit that began with the message."""


YES_OR_NO = ("age_known", "is_mobile", "is_weekend_visitor", "young", "seldom")
"""Columns of what is known that hold 0 or 1."""

Score = Callable[[pd.DataFrame], np.ndarray]
"""What is known of people -> a number each; who has the highest gets the message."""


class World:
    """A town whose people are written to."""

    def __init__(self, parameters: Parameters, people: list[Person]) -> None:
        self.parameters, self.crowd = parameters, Crowd.of(people)
        rng = parameters.generator("survey of the bench")
        self.age = np.where(rng.random(len(people)) < AGE_KNOWN_SHARE, self.crowd.age, np.nan)
        self.is_mobile = np.array([person.devices[0].kind == "mobile" for person in people])
        self.is_weekend_visitor = self.crowd.weekend_factor > 1.5

    def fits(self, day: int) -> np.ndarray:
        return self.parameters.generator(f"fits {day}").random(len(self.crowd)) < FITS_SHARE

    def live(self, days: Days, sent: np.ndarray) -> tuple[Reaction, np.ndarray, np.ndarray]:
        """One more day, on whose morning those in `sent` (people,) got a message.

        Returns:
            The reaction, and (people,) who bought, and who bought in a visit that began with the message.
        """
        day, those = len(days.visits), np.flatnonzero(sent)
        count = len(those)
        letters = Messages(those, np.full(count, CAMPAIGN, object), np.full(count, PRICE), self.fits(day)[those])
        reaction = react(self.parameters, self.crowd, day, letters, days.of_week() if days.sent else 0 * sent)
        buys_anyway = self.parameters.generator(f"buys {day}").random(len(self.crowd)) < VISIT_BUYS
        by_letter, clicked, came = (np.zeros(len(self.crowd), bool) for _ in range(3))
        by_letter[those], clicked[those], came[those] = reaction.buys, reaction.clicks, reaction.comes
        anyway = reaction.visits & buys_anyway
        days.visits.append(reaction.visits | came)
        days.bought.append(anyway | by_letter)
        arrived = np.zeros(len(self.crowd), bool)
        arrived[those] = reaction.arrives
        days.sent.append(arrived.astype(int))
        return reaction, anyway | by_letter, by_letter | (anyway & clicked & ~came)

    def known(self, days: Days) -> pd.DataFrame:
        """What a shop knows of each person on a night: (people, columns)."""
        visits, bought = np.array(days.visits[-WARM_DAYS:]), np.array(days.bought[-WARM_DAYS:])
        ago = np.arange(len(visits), 0, -1)[:, None]
        return pd.DataFrame(
            {
                "visits": visits.sum(axis=0),
                "visits_of_week": visits[-WEEK_DAYS:].sum(axis=0),
                "orders": bought.sum(axis=0),
                "days_since": np.where(visits, ago, WARM_DAYS + 1).min(axis=0),
                "messages_of_week": days.of_week(),
                "age": np.nan_to_num(self.age, nan=float(np.nanmean(self.age))),
                "age_known": (~np.isnan(self.age)).astype(float),
                "is_mobile": self.is_mobile.astype(float),
                "is_weekend_visitor": self.is_weekend_visitor.astype(float),
            }
        ).assign(
            visits_log=lambda rows: np.log1p(rows["visits"]),
            young=lambda rows: ((rows["age"] < 35) & (rows["age_known"] == 1)).astype(float),
            seldom=lambda rows: (rows["visits"] <= 3).astype(float),
        )


def by_response(log: Log, _: World) -> Score:
    model = _regression().fit(log.rows[log.treated], log.bought_from_it[log.treated])
    return lambda rows: model.predict_proba(rows)[:, 1]


def by_two_models(log: Log, _: World) -> Score:
    treated = _regression().fit(log.rows[log.treated], log.bought[log.treated])
    control = _regression().fit(log.rows[~log.treated], log.bought[~log.treated])
    return lambda rows: treated.predict_proba(rows)[:, 1] - control.predict_proba(rows)[:, 1]


def by_uplift(log: Log, world: World) -> Score:
    """The net of `training.models.uplift`; a fifth of the people tells it when to stop, and how much to believe."""
    from training.config import CONFIGS, read_config
    from training.learner import Context
    from training.models.uplift.fitting import fit_experiment
    from training.models.uplift.network import UpliftConfig
    from training.models.uplift.table import ExperimentTable
    from training.parts import Part

    people = np.tile(np.arange(len(world.crowd)), len(log.rows) // len(world.crowd))
    validates = world.parameters.generator("validation").random(len(world.crowd)) < 0.2
    table = ExperimentTable(
        rows=_with_words(log.rows),
        treated=log.treated,
        propensity=np.full(len(people), LOT_SHARE),
        outcomes=log.bought[:, None],
        parts=np.where(validates[people], Part.VALIDATION, Part.TRAIN).astype("int8"),
        numbers=[name for name in log.rows if name not in YES_OR_NO],
        categories=list(YES_OR_NO),
        names=("bought",),
        people=people,
    )
    config = read_config(CONFIGS / "uplift.yml", UpliftConfig)
    fitted = fit_experiment(table, config, Context(say=lambda _: None), watched="validation_likelihood")
    return lambda rows: fitted.score(*fitted.encode(_with_words(rows)))[:, 0]


def _with_words(rows: pd.DataFrame) -> pd.DataFrame:
    """Yes and no as the net's categories."""
    return rows.assign(**{name: np.where(rows[name] > 0, "yes", "no") for name in YES_OR_NO})


def _regression() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


LEARNED: Mapping[str, Callable[[Log, World], Score]] = {
    "response": by_response,
    "uplift": by_uplift,
    "two_models": by_two_models,
}
"""Ways that learn from the log of the experiment."""

RANDOM, BEST = "random", "best"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.loop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="a town each (%(default)s)")
    parser.add_argument("--people", type=int, default=2000, help="of each town (%(default)s)")
    parser.add_argument("--learn", type=int, default=14, help="nights of the experiment (%(default)s)")
    parser.add_argument("--nights", type=int, default=14, help="nights that are compared (%(default)s)")
    parser.add_argument("--share", type=float, default=0.15, help="of the people, who get a message (%(default)s)")
    options = parser.parse_args()
    exit_with_sentence(lambda: run(options.seeds, options.people, options.learn, options.nights, options.share))


def run(seeds: Sequence[int], people: int, learn: int, nights: int, share: float) -> None:
    """Write a line for each town, and one for all.

    Raises:
        SettingsError: too few people or nights, or a share that is none.
    """
    if people < 100 or min(learn, nights) < 1 or not 0 < share < 1 or not seeds:
        raise SettingsError(
            expected="at least 100 people, 1 night to learn from, 1 to compare, and a share between 0 and 1",
            received=f"{people} people, {learn} and {nights} nights, {share}",
            remedy="correct the command line",
        )
    size = {"people": people, "learn_nights": learn, "nights": nights, "share": share}
    euros: dict[str, list[float]] = {way: [] for way in (RANDOM, *LEARNED, BEST)}
    for seed in seeds:
        started = time.monotonic()
        found, messages = compare_ways(Parameters(people=people, days=1, seed=seed), learn, nights, share)
        for way, value in found.items():
            euros[way].append(value)
        rounded = {way: round(value, 2) for way, value in found.items()}
        seconds = round(time.monotonic() - started, 1)
        result.write(
            {"bench": "loop", "seed": seed, **size, "messages": messages, "euros": rounded, "seconds": seconds}
        )
    spread = {
        way: {"mean": round(float(np.mean(values)), 2), "deviation": round(float(np.std(values, ddof=1)), 2)}
        for way, values in euros.items()
        if len(values) > 1
    }
    if spread:
        result.write({"bench": "loop", "seeds": list(seeds), **size, "euros": spread})


def compare_ways(
    parameters: Parameters,
    learn: int,
    nights: int,
    share: float,
    learned: Mapping[str, Callable[[Log, World], Score]] = LEARNED,
) -> tuple[dict[str, float], int]:
    """Way to choose -> euros that its messages were to change, and how many messages each sent."""
    world = World(parameters, settle(parameters, open_shop(parameters.generator("shop"), parameters.lines)))
    days, log = experiment(world, learn)
    scores = {way: learner(log, world) for way, learner in learned.items()}
    found, sent = {}, set()
    for way in (RANDOM, *learned, BEST):
        found[way], messages = run_way(world, days.copy(), scores.get(way), way, nights, share)
        sent.add(messages)
    if len(sent) != 1:
        raise SettingsError(
            expected="as many messages by each way to choose",
            received=", ".join(map(str, sorted(sent))),
            remedy="choose a smaller --share, so that limits leave enough people",
        )
    return found, sent.pop()


def experiment(world: World, nights: int) -> tuple[Days, Log]:
    """Weeks without messages, then nights on which a lot sends to a fifth of the people."""
    days, nobody = Days(), np.zeros(len(world.crowd), bool)
    for _ in range(WARM_DAYS):
        world.live(days, nobody)
    parts = []
    for night in range(nights):
        rows = world.known(days)
        sent = world.parameters.generator(f"lot {night}").random(len(world.crowd)) < LOT_SHARE
        _, bought, bought_from_it = world.live(days, sent)
        parts.append((rows, sent, bought, bought_from_it))
    rows, sent, bought, bought_from_it = zip(*parts, strict=True)
    return days, Log(
        pd.concat(rows, ignore_index=True), np.concatenate(sent), np.concatenate(bought), np.concatenate(bought_from_it)
    )


def run_way(world: World, days: Days, score: Score | None, way: str, nights: int, share: float) -> tuple[float, int]:
    """Euros by truth of the messages of some nights, and how many there were."""
    euros, messages, left = 0.0, 0, np.zeros(len(world.crowd), bool)
    count = round(share * len(world.crowd))
    for _ in range(nights):
        day = len(days.visits)
        if score is not None:
            values = score(world.known(days))
        elif way == BEST:
            values = planted_euros(world, days)
        else:
            values = world.parameters.generator(f"random {day}").random(len(world.crowd))
        may = ~left & (days.of_week() < MOST_A_WEEK)
        chosen = np.argsort(-np.where(may, values, -np.inf), kind="stable")[: min(count, int(may.sum()))]
        sent = np.zeros(len(world.crowd), bool)
        sent[chosen] = True
        reaction, _, _ = world.live(days, sent)
        euros += float(reaction.expected.euros.sum())
        messages += len(chosen)
        left[np.flatnonzero(sent)[reaction.leaves]] = True
    return euros, messages


def planted_euros(world: World, days: Days) -> np.ndarray:
    """What a message to each person would change, by truth: (people,)."""
    day = len(days.visits)
    kind = kinds_of(world.parameters, world.crowd, CAMPAIGN)
    chances = Chances.of(kind, world.fits(day), days.of_week())
    return chances.expected(world.crowd.visit_chance(world.parameters, day), np.full(len(kind), PRICE)).euros


if __name__ == "__main__":
    main()
