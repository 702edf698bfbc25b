"""Whom a destination is to know after tonight: the audiences of the night, less who withdrew or has no address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow.parquet as pq

from activation.audiences.campaigns import Campaign
from activation.audiences.night import read_campaigns, understood
from activation.delivery.addresses import ADDRESS_OF_CHANNEL, NO_ADDRESS, join_persons, make_addresses
from activation.planning.publishing import NightPlans
from contracts.errors import NightshiftError, SettingsError
from contracts.identifiers import load_cleaning
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.resolved import PERSONS
from lake_tables.consent import latest_consents
from lake_tables.contacts import ContactFiles, load_contacts

NO_CONSENT = "no_consent"


@dataclass
class Tonight:
    """The tables `wanted`, `refusing` and `addresses_<column>` of a connection, and what is known of the campaigns.

    `wanted` has a row a person and campaign: campaign, person_id, reason; the reason is null where a message goes out.
    `refusing` has the people who do not agree to personalisation.
    """

    lake: Lake
    ds: str
    connection: duckdb.DuckDBPyConnection = field(repr=False)
    names: list[str]
    """Of all campaigns that there are."""
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    """Those whose audience is to be delivered."""
    failed: dict[str, NightshiftError] = field(default_factory=dict)
    contacts: dict[str, Any] = field(default_factory=dict)
    """What was counted of the addresses."""
    is_part: bool = False
    """Whether one campaign alone was asked for."""
    _files: dict[str, str] = field(default_factory=dict)
    """Campaign -> the file of its audience."""

    @classmethod
    def read(
        cls, settings: Settings, lake: Lake, ds: str, connection: duckdb.DuckDBPyConnection, only: str | None
    ) -> Tonight:
        """Look up the campaigns; nothing is joined yet.

        Raises:
            LakeError: marts of the day are missing.
            SettingsError: there is no campaign, or none of that name.
        """
        campaigns, policy = read_campaigns(settings, lake, ds)
        can_go = understood(campaigns)
        failed = {name: one for name, one in campaigns.items() if name not in can_go}
        failed |= NightPlans.read(lake, ds).outdated(can_go, policy)
        if only is not None and only not in campaigns:
            raise SettingsError(
                expected=f"a campaign of {settings.campaigns}: {', '.join(campaigns)}",
                received=repr(only),
                remedy="correct --campaign, or leave it out for all",
            )
        audiences = Lake(settings.home.audiences)
        for name in can_go:
            try:
                audiences.require(name, ds, made_by=f"python -m activation.export --ds {ds}")
            except NightshiftError as error:
                failed.setdefault(name, error)
        tonight = cls(lake, ds, connection, list(campaigns), can_go, failed, is_part=only is not None)
        if only is not None:
            tonight.choose([only])
        return tonight

    def choose(self, campaigns: Iterable[str]) -> None:
        """Keep these campaigns, of those that can be delivered; the errors of the others stay known."""
        chosen = set(campaigns)
        self.campaigns = {name: one for name, one in self.campaigns.items() if name in chosen - self.failed.keys()}
        self.failed = {name: error for name, error in self.failed.items() if name in chosen}

    def join(self, settings: Settings) -> None:
        """Make the tables.

        Raises:
            LakeError: persons or consents of the day are missing.
            RawDataError: there are no addresses, or they cannot be read.
            SettingsError: the pseudonyms' keys are not there, or not those of the lake.
        """
        consents = latest_consents(self.lake, self.ds)
        self.connection.execute("create or replace table wanted (campaign varchar, person_id varchar, reason varchar)")
        self.connection.register("consents", consents)
        self.connection.execute(
            "create or replace table refusing as select person_id from consents where not consent_personalisation"
        )
        self.connection.execute("create or replace table addresses_none (person_id varchar, address varchar)")
        if self.campaigns:
            self._load_addresses(settings)
        for name, campaign in self.campaigns.items():
            self._want(Lake(settings.home.audiences), name, campaign)
        self.connection.unregister("consents")

    def size(self, campaign: str) -> int:
        """People in the audience of a campaign, by its file."""
        return pq.read_metadata(self._audience_file(campaign)).num_rows if campaign in self.campaigns else 0

    def messages(self, campaign: str, *, where: str = "true", **options: Any) -> tuple[str, dict[str, Any]]:
        """A query, and its parameters, of a campaign's messages to those who are `wanted` and among the `members`.

        Args:
            where: which of them, over the aliases `wanted` and `members`.
        """
        column = ADDRESS_OF_CHANNEL.get(self.campaigns[campaign].channel, "none")
        return (
            f"select members.member_id, addresses.address, audience.* exclude (person_id) "
            f"from read_parquet($audience) as audience "
            f"join wanted on wanted.person_id = audience.person_id and wanted.campaign = $campaign "
            f"and wanted.reason is null "
            f"join members on members.person_id = audience.person_id and members.campaign = $campaign "
            f"join addresses_{column} as addresses on addresses.person_id = audience.person_id where {where}",
            {"audience": self._audience_file(campaign), "campaign": campaign, **options},
        )

    def _load_addresses(self, settings: Settings) -> None:
        files = ContactFiles.newest(settings.raw)
        persons = self.lake.require(PERSONS.name, self.ds, made_by=f"spark_jobs/main.py resolve --ds {self.ds}")
        self.contacts = {"ds": files.ds}
        self.contacts |= load_contacts(self.connection, files.files, pseudonym_keys(settings), load_cleaning(settings))
        self.contacts |= join_persons(self.connection, [str(file) for file in sorted(persons.glob("*.parquet"))])
        columns = {ADDRESS_OF_CHANNEL.get(campaign.channel) for campaign in self.campaigns.values()} - {None}
        several = {column: make_addresses(self.connection, column) for column in sorted(columns)}
        self.contacts["several_addresses"] = sum(several.values())
        self.connection.execute("drop table owned")
        counted = ", ".join(f"{name} {self.contacts[name]:,}" for name in self.contacts if name != "ds")
        say(f"deliver: addresses of {files.ds}: {counted}")

    def _want(self, audiences: Lake, name: str, campaign: Campaign) -> None:
        self._files[name] = str(audiences.partition(name, self.ds) / "audience.parquet")
        purposes = {"personalisation", campaign.purpose} | ({"profiling"} if campaign.reads_profiles else set())
        agreed = " and ".join(f"consents.consent_{purpose}" for purpose in sorted(purposes))
        column = ADDRESS_OF_CHANNEL.get(campaign.channel)
        address = "cast(null as varchar)" if column is None else "addresses.address"
        reason = f"'{NO_ADDRESS}'" if column is None else f"coalesce(addresses.reason, '{NO_ADDRESS}')"
        join = "" if column is None else f"left join addresses_{column} as addresses using (person_id)"
        self.connection.execute(
            f"insert into wanted select $name, person_id, case when not coalesce({agreed}, false) then '{NO_CONSENT}' "
            f"when {address} is null then {reason} end from read_parquet($audience) as audience "
            f"left join consents using (person_id) {join}",
            {"name": name, "audience": self._audience_file(name)},
        )

    def _audience_file(self, campaign: str) -> str:
        return self._files[campaign]
