"""Campaign files: whom a marketing team wants to reach, and with what. One YAML file a campaign; see docs/activate.md.

name: weekend_runners
about: People who like running and bought something lately.
purpose: marketing_contact          # or personalisation, for what is shown on our own pages
channel: mail                       # or sms, push, post, site: what it goes out by; policy.yml has rules for each
who:                                # all conditions must hold; an empty `who` is everyone
  likes: {category: running, min_weight: 0.2}
  bought_within_days: 60
  region: [north, centre]           # any column of the profile that holds a word: one of these
  segment: weekend_shopper
  at_least: {frequency: 2}          # any column of the profile that holds a number
  at_most: {recency_days: 60, leave_chance: 0.5}
items: {count: 3, category: running}
sends: autumn                       # the name under which its clicks come back: adds click_chance, and why, and lets
                                    # `who` ask for it, as `at_least: {click_chance: 0.1}`
experiment: {holdout: 0.1}          # people who get nothing, so that the others can be compared with them; lets `who`
                                    # ask for what sending changes, as `at_least: {uplift_euros: 0.2}`
explore: {share: 0.1}               # of its places that are drawn, so that what other lists would earn can be known
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activation.experiments.experiment import GLOBAL, Experiment, read_experiment, shared_salts
from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import SettingsError
from contracts.tables.activation import CHALLENGER
from contracts.tables.marts import PROFILE
from contracts.tables.served import PREDICTIONS, RESPONSES, UPLIFTS
from contracts.tables.vocabulary import CHANNELS

PURPOSES = ("marketing_contact", "personalisation")
WORD_COLUMNS = tuple(
    column.name for column in PROFILE.columns if column.type == "string" and column.name != "person_id"
)
NUMBER_COLUMNS = tuple(
    column.name for column in (*PROFILE.columns, *PREDICTIONS.columns) if column.type in ("int", "double")
)
CHANCES = tuple(column.name for column in RESPONSES.columns if column.name in ("click_chance", "purchase_chance"))
"""What the champion of `response` says of a person and the campaign that is sent."""

CHANGES = tuple(column.name for column in UPLIFTS.columns if column.type == "double")
"""What the champion of `uplift` says that sending the campaign changes for a person; it knows campaigns with an
experiment."""

MOST_ITEMS = 10

_KEYS = ("name", "about", "purpose", "channel", "who", "items", "sends", "experiment", "explore")
_CONDITIONS = ("likes", "bought_within_days", "segment", "at_least", "at_most", *WORD_COLUMNS)


@dataclass(frozen=True)
class Campaign:
    """One campaign, checked."""

    name: str
    about: str
    purpose: str
    item_count: int
    item_category: str | None
    likes: Mapping[str, float] = field(default_factory=dict)
    """Category -> least weight among the person's interests."""
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Word column -> allowed values."""
    segments: tuple[str, ...] = ()
    """The person is in one of these; empty where it does not matter."""
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    sends: str | None = None
    """Name under which the campaign's clicks come back, if they do."""
    experiment: Experiment | None = None
    """Whom it leaves out to measure by, if anybody."""
    explore_share: float | None = None
    """Share of places that are drawn from the person's recommendations; none where the best ones are shown."""
    channel: str = CHANNELS[0]
    sha256: str = ""
    """Of its file, so that a plan is known to be made of it."""

    @property
    def reads_profiles(self) -> bool:
        """Whether it chooses people by what their profiles say, for which they must have agreed to profiling."""
        return bool(self.likes or self.one_of or self.segments or self.at_least or self.at_most)


def load_campaigns(
    folder: Path, categories: Iterable[str], draft: Campaign | None = None
) -> dict[str, Campaign | SettingsError]:
    """Every campaign of a folder by its file's name, in that order; one that cannot be understood is its error.

    So are campaigns whose experiments share a salt.

    Args:
        draft: one that may not be in the folder yet; it stands for the one of its name there.

    Raises:
        SettingsError: there is no campaign at all.
    """
    files = sorted(folder.glob("*.yml"))
    if not files and draft is None:
        raise SettingsError(
            expected=f"at least one campaign, a .yml file in {folder}",
            received="none",
            remedy="write one as docs/activate.md shows, or correct NIGHTSHIFT_CAMPAIGNS",
        )
    known = set(categories)
    campaigns = {file.stem: _campaign_or_error(file, known) for file in files}
    if draft is not None:
        campaigns[draft.name] = draft
    read = [campaign for campaign in campaigns.values() if isinstance(campaign, Campaign)]
    return campaigns | shared_salts(campaign.experiment for campaign in read if campaign.experiment is not None)


def read_draft(file: Path, categories: Iterable[str]) -> Campaign:
    """A campaign from wherever its file stands.

    Raises:
        SettingsError: there is no such file, or it would be refused in the folder of campaigns.
    """
    if not file.is_file():
        raise SettingsError(
            expected=f"a campaign in {file}", received="no such file", remedy="write one as docs/activate.md shows"
        )
    campaign = _campaign_or_error(file, set(categories))
    if isinstance(campaign, SettingsError):
        raise campaign
    return campaign


def _campaign_or_error(file: Path, categories: set[str]) -> Campaign | SettingsError:
    try:
        campaign = read_campaign(file, categories)
    except SettingsError as error:
        return error
    if campaign.name == file.stem:
        return campaign
    return SettingsError(
        expected=f"name: {file.stem} in {file}, as the file is called",
        received=repr(campaign.name),
        remedy="rename the one or the other, so that no two campaigns share a name",
    )


def read_campaign(file: Path, categories: set[str]) -> Campaign:
    """One campaign; `categories` are those that items or people have.

    Raises:
        SettingsError: a key, condition, column, category or value that does not fit; the error names its line.
    """
    fields = read_yaml(file, SettingsError).mapping(_KEYS)
    name = fields["name"].text() if "name" in fields else ""
    if name in (GLOBAL, CHALLENGER):
        raise fields["name"].misfit("another name", "an experiment of the policy has this one: rename the campaign")
    who = _below(fields, "who", _CONDITIONS)
    likes = _below(who, "likes", ("category", "min_weight"))
    items = _below(fields, "items", ("count", "category"))
    sends = fields["sends"].text() if "sends" in fields else None
    known = (*(CHANCES if sends else ()), *(CHANGES if "experiment" in fields else ()))
    at_least, at_most = (_limits(who, name, known) for name in ("at_least", "at_most"))
    if "bought_within_days" in who:
        at_most["recency_days"] = who["bought_within_days"].number()
    purpose = fields["purpose"].one_of(PURPOSES) if "purpose" in fields else PURPOSES[0]
    default_channel = "mail" if purpose == "marketing_contact" else "site"
    least_weight = likes["min_weight"].number() if "min_weight" in likes else 0.0
    return Campaign(
        name=name,
        about=fields["about"].text() if "about" in fields else "",
        purpose=purpose,
        item_count=items["count"].whole_number(1, MOST_ITEMS) if "count" in items else 3,
        item_category=items["category"].one_of(sorted(categories)) if "category" in items else None,
        likes={likes["category"].one_of(sorted(categories)): least_weight} if "category" in likes else {},
        one_of={column: _texts(who[column]) for column in WORD_COLUMNS if column in who},
        segments=_texts(who["segment"]) if "segment" in who else (),
        at_least=at_least,
        at_most=at_most,
        sends=sends,
        experiment=read_experiment(fields["experiment"], name) if "experiment" in fields else None,
        explore_share=_explore_share(fields["explore"]) if "explore" in fields else None,
        channel=fields["channel"].one_of(CHANNELS) if "channel" in fields else default_channel,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


def _explore_share(written: YamlValue) -> float:
    written = written.mapping(("share",), required=("share",))["share"]
    share = written.number()
    if not 0.0 < share < 1.0:
        raise written.misfit("a share above 0 and below 1", "leave `explore` out to show everybody the best")
    return share


def _below(values: Mapping[str, YamlValue], name: str, known: Iterable[str]) -> dict[str, YamlValue]:
    return values[name].mapping(known) if name in values else {}


def _limits(who: Mapping[str, YamlValue], name: str, chances: Iterable[str]) -> dict[str, float]:
    return {column: value.number() for column, value in _below(who, name, (*NUMBER_COLUMNS, *chances)).items()}


def _texts(value: YamlValue) -> tuple[str, ...]:
    return tuple(one.text() for one in value.one_or_several())
