"""`policy.yml`: how often and when people may be written to, and for how much; see docs/loop.md, "Plan".

Each line that does not fit is refused with its number: an unknown key, channel or campaign, a time zone that there is
not, a limit of no message at all.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import math
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from activation.audiences.campaigns import Campaign
from activation.experiments.experiment import Experiment, read_challenger, read_global_holdout, shared_salts
from contracts.checked_yaml import YamlValue, read_yaml
from contracts.errors import NightshiftError, SettingsError
from contracts.tables.vocabulary import CHANNELS, IDENTIFIER_KINDS

LONGEST_WINDOW_DAYS = 90
"""Plans are kept a little longer, so that what was sent within a window is known."""

_KEYS = ("channels", "time_zones", "rest_after_purchase_days", "rest_after_complaint_days", "suppression", "campaigns")
_KEYS += ("global_holdout", "challenger", "every_campaign_has_an_experiment")
_OF_CHANNEL = ("one_message", "at_most", "sent_at", "quiet_hours", "cost_euros")
_OF_CAMPAIGN = ("priority", "budget_euros", "cost_euros")
_MOST_EUROS = 1e9
_MOST_MESSAGES = 1_000


@dataclass(frozen=True)
class Limit:
    """At most so many messages to a person within so many days, tonight's the last of them."""

    messages: int
    days: int


@dataclass(frozen=True)
class ChannelPolicy:
    """Rules of one channel; by default none."""

    one_message: bool = False
    limits: tuple[Limit, ...] = ()
    sent_at: datetime.time | None = None
    """UTC, on the morning after the night."""
    quiet: tuple[datetime.time, datetime.time] | None = None
    """From when on people want peace, where they are, and until when; it may go over midnight."""
    cost_euros: float = 0.0

    def is_quiet(self, ds: str, zone: zoneinfo.ZoneInfo) -> bool:
        """Whether it is quiet in a time zone when messages of a night are sent."""
        if self.quiet is None:
            return False
        morning = datetime.date.fromisoformat(ds) + datetime.timedelta(days=1)
        local = datetime.datetime.combine(morning, self.sent_at, datetime.UTC).astimezone(zone).time()
        start, end = self.quiet
        return start <= local < end if start < end else local >= start or local < end


@dataclass(frozen=True)
class CampaignPolicy:
    """Rules of one campaign; by default none."""

    priority: int = 0
    budget_euros: float | None = None
    cost_euros: float | None = None
    """A message; by default the channel's."""


@dataclass(frozen=True)
class Policy:
    """The whole file, checked."""

    channels: Mapping[str, ChannelPolicy] = field(default_factory=dict)
    campaigns: Mapping[str, CampaignPolicy] = field(default_factory=dict)
    zones: Mapping[str, zoneinfo.ZoneInfo] = field(default_factory=dict)
    """Region -> time zone; `default` for all others."""
    rest_days: int = 0
    """After a purchase, on all channels."""
    complaint_rest_days: int | None = None
    """After a spam report, on its channel; None is for good."""
    suppressed: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Kind and raw value of identifiers."""
    global_holdout: Experiment | None = None
    """Who gets no message of any campaign that needs `marketing_contact`."""
    challenger: Experiment | None = None
    """Whose lists are those of the version in shadow."""
    every_campaign_has_an_experiment: bool = False
    """Whether a campaign without one is refused."""
    sha256: str = ""
    """Of the file and of what it names, and of the rules of what may be shown, where a night is planned by them."""

    @property
    def experiments(self) -> list[Experiment]:
        """Those of the policy itself."""
        return [one for one in (self.global_holdout, self.challenger) if one is not None]

    def of_channel(self, channel: str) -> ChannelPolicy:
        return self.channels.get(channel, ChannelPolicy())

    def of_campaign(self, campaign: str) -> CampaignPolicy:
        return self.campaigns.get(campaign, CampaignPolicy())

    def cost_euros(self, campaign: Campaign) -> float:
        """What a message of the campaign costs."""
        own = self.of_campaign(campaign.name).cost_euros
        return self.of_channel(campaign.channel).cost_euros if own is None else own

    def most_messages(self, campaign: Campaign) -> float:
        """How many messages the campaign's budget pays; infinite without one."""
        budget, cost = self.of_campaign(campaign.name).budget_euros, self.cost_euros(campaign)
        return math.inf if budget is None else math.floor(budget / cost + 1e-9)

    def holdout_from(self, campaign: Campaign) -> Experiment | None:
        """The global holdout, where the campaign heeds it: our own pages are no message."""
        return self.global_holdout if campaign.purpose == "marketing_contact" else None

    def for_share(self, share: float) -> Policy:
        """The same where only a share of the people is looked at: budgets pay for as large a share."""
        budgets = {
            name: one if one.budget_euros is None else replace(one, budget_euros=one.budget_euros * share)
            for name, one in self.campaigns.items()
        }
        return replace(self, campaigns=budgets)

    def refused(self, campaigns: Iterable[Campaign]) -> dict[str, NightshiftError]:
        """Campaign -> its error, for each that the policy does not let run as it is."""
        errors: dict[str, NightshiftError] = {}
        for campaign in campaigns:
            experiment = campaign.experiment
            if experiment is None and self.every_campaign_has_an_experiment:
                errors[campaign.name] = SettingsError(
                    expected=f"an experiment in {campaign.name}.yml, as `every_campaign_has_an_experiment` says",
                    received="none",
                    remedy="add `experiment: {holdout: 0.1}` to it, or take that line out of policy.yml",
                )
            elif experiment and any(experiment.salt == one.salt for one in self.experiments):
                errors[campaign.name] = experiment.salt_written.error(
                    "a salt that no other experiment has",
                    f"{experiment.salt!r}, which an experiment of the policy has too",
                    "give one of them another salt: their holdouts would be the same people",
                )
        return errors

    def definition(self, campaign: Campaign) -> str:
        """By which a plan is known to be made of the campaign and this policy: 64 hex digits."""
        return hashlib.sha256(f"{campaign.sha256} {self.sha256}".encode()).hexdigest()


def read_policy(file: Path, campaigns: Mapping[str, Campaign], names: Iterable[str]) -> Policy:
    """The policy of a file.

    Args:
        campaigns: those that can be understood, by name.
        names: all that there are.

    Raises:
        SettingsError: the file is not there, or a line of it does not fit; the error names it.
    """
    if not file.is_file():
        raise SettingsError(
            expected=f"a policy in {file}", received="no such file", remedy="write one, or correct NIGHTSHIFT_POLICY"
        )
    fields = read_yaml(file, SettingsError).mapping(_KEYS)
    channels = _below(fields, "channels", CHANNELS)
    of_campaigns = _below(fields, "campaigns", names)
    zones = {name: _zone(written) for name, written in _below(fields, "time_zones", None).items()}
    suppressed, bytes_of_list = _suppressed(fields["suppression"]) if "suppression" in fields else ((), b"")
    policy = Policy(
        channels={name: _channel(written) for name, written in channels.items()},
        campaigns={name: _campaign(written) for name, written in of_campaigns.items()},
        zones={"default": zoneinfo.ZoneInfo("UTC")} | zones,
        rest_days=fields["rest_after_purchase_days"].whole_number(0, 365)
        if "rest_after_purchase_days" in fields
        else 0,
        complaint_rest_days=fields["rest_after_complaint_days"].whole_number(0, 3650)
        if "rest_after_complaint_days" in fields
        else None,
        suppressed=suppressed,
        global_holdout=read_global_holdout(fields["global_holdout"]) if "global_holdout" in fields else None,
        challenger=read_challenger(fields["challenger"]) if "challenger" in fields else None,
        every_campaign_has_an_experiment="every_campaign_has_an_experiment" in fields
        and fields["every_campaign_has_an_experiment"].flag(),
        sha256=hashlib.sha256(file.read_bytes() + bytes_of_list).hexdigest(),
    )
    for error in shared_salts(policy.experiments).values():
        raise error
    for name, written in of_campaigns.items():
        if name in campaigns and policy.campaigns[name].budget_euros is not None:
            _require_cost(policy, campaigns[name], written)
    return policy


def _channel(written: YamlValue) -> ChannelPolicy:
    fields = written.mapping(_OF_CHANNEL)
    if "quiet_hours" in fields and "sent_at" not in fields:
        raise fields["quiet_hours"].error(
            "`sent_at` beside `quiet_hours`", "nothing", 'write when messages are sent, as sent_at: "06:00" (UTC)'
        )
    limits = fields["at_most"].one_or_several() if "at_most" in fields else []
    return ChannelPolicy(
        one_message=fields["one_message"].flag() if "one_message" in fields else False,
        limits=tuple(_limit(one) for one in limits),
        sent_at=_time(fields["sent_at"]) if "sent_at" in fields else None,
        quiet=_quiet(fields["quiet_hours"]) if "quiet_hours" in fields else None,
        cost_euros=fields["cost_euros"].number(0, _MOST_EUROS) if "cost_euros" in fields else 0.0,
    )


def _campaign(written: YamlValue) -> CampaignPolicy:
    fields = written.mapping(_OF_CAMPAIGN)
    return CampaignPolicy(
        priority=fields["priority"].whole_number(-1_000, 1_000) if "priority" in fields else 0,
        budget_euros=fields["budget_euros"].number(0, _MOST_EUROS) if "budget_euros" in fields else None,
        cost_euros=fields["cost_euros"].number(0, _MOST_EUROS) if "cost_euros" in fields else None,
    )


def _require_cost(policy: Policy, campaign: Campaign, written: YamlValue) -> None:
    if policy.cost_euros(campaign) <= 0:
        raise written.mapping()["budget_euros"].error(
            "a budget of messages that cost something",
            f"a cost of 0 a message by {campaign.channel}",
            "write `cost_euros` beside it, or for the channel",
        )


def _limit(written: YamlValue) -> Limit:
    fields = written.mapping(("messages", "days"), required=("messages", "days"))
    return Limit(
        fields["messages"].whole_number(1, _MOST_MESSAGES), fields["days"].whole_number(1, LONGEST_WINDOW_DAYS)
    )


def _quiet(written: YamlValue) -> tuple[datetime.time, datetime.time]:
    fields = written.mapping(("from", "to"), required=("from", "to"))
    start, end = _time(fields["from"]), _time(fields["to"])
    if start == end:
        raise written.misfit("quiet hours that begin and end at different times", "all day long is no message at all")
    return start, end


def _time(written: YamlValue) -> datetime.time:
    if not isinstance(written.plain, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", written.plain):
        raise written.misfit('a time as "06:30"', "write hours and minutes, in quotes")  # YAML reads 21:30 as a number
    return datetime.time.fromisoformat(written.plain)


def _zone(written: YamlValue) -> zoneinfo.ZoneInfo:
    name = written.text()
    known = zoneinfo.available_timezones()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise written.misfit("a time zone", f"did you mean {near[0]!r}?" if near else "write one as Europe/Berlin")
    return zoneinfo.ZoneInfo(name)


def _suppressed(written: YamlValue) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """The identifiers of a suppression list, and its bytes. Its lines name people: no error repeats one."""
    file = written.file.parent / written.text()
    if not file.is_file():
        raise written.error("a file for suppression", f"no such file {file}", "correct the path, or remove the line")
    content = file.read_bytes()
    found = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        text = line.strip()
        kind, _, value = text.partition(":")
        if not text or text.startswith("#"):
            continue
        if kind not in IDENTIFIER_KINDS or not value.strip():
            raise SettingsError(
                expected=f"<kind>:<identifier> in line {number} of {file.name}, of {', '.join(IDENTIFIER_KINDS)}",
                received="something else, which is not repeated here",
                remedy="correct that line",
            )
        found.append((kind, value.strip()))
    return tuple(found), content


def _below(fields: Mapping[str, YamlValue], name: str, known: Iterable[str] | None) -> dict[str, YamlValue]:
    return fields[name].mapping(known) if name in fields else {}
