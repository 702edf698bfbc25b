"""Who is due at a destination, who has to go, and what became of everybody: the tables of one delivery.

`wanted` and `members` say whom the destination is to know and whom it knows, `receipts` what was answered, and `people`
whose receipts they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from activation.delivery.members import publish_members
from activation.delivery.tonight import Tonight
from activation.destinations.destination import Destination
from contracts.errors import LakeError
from contracts.lake import Lake


@dataclass(frozen=True)
class Books:
    """The tables of one night for one destination."""

    lake: Lake
    ds: str
    destination: Destination
    tonight: Tonight
    connection: duckdb.DuckDBPyConnection = field(repr=False)

    def to_do(self) -> dict[str, dict[str, Any]]:
        """What there is to do, a campaign: for a dry run."""
        return {
            name: {
                "audience": self.count("wanted where campaign = $campaign", campaign=name),
                "to_deliver": self.count(
                    "wanted left join members using (campaign, person_id) where campaign = $campaign "
                    f"and reason is null and {self.is_due}",
                    campaign=name,
                    ds=self.ds,
                ),
                "withheld": self._withheld(name),
                "to_remove": self.count(f"({self.leaving()}) where campaign = $campaign", campaign=name),
            }
            for name in [*self.tonight.campaigns, *self.gone]
        }

    def remember_people(self) -> None:
        """Whose receipts those of members are, also of those who are removed meanwhile."""
        self.connection.execute("create or replace table people as select member_id, person_id from members")

    def add_members(self) -> None:
        """Give everybody who is to be known at the destination an id there, and publish it before anything is sent."""
        new = self.connection.sql(
            "select wanted.campaign, wanted.person_id from wanted anti join members using (campaign, person_id) "
            "where wanted.reason is null"
        ).to_arrow_table()
        ids = secrets.token_bytes(16 * new.num_rows).hex()
        new = new.append_column(
            "member_id", pa.array([ids[at : at + 32] for at in range(0, len(ids), 32)], pa.string())
        )
        self.connection.register("new_members", new)
        self.connection.execute(
            "insert into members select person_id, campaign, $destination, member_id, $ds::date, null from new_members",
            {"destination": self.destination.name, "ds": self.ds},
        )
        self.connection.execute("insert into people select member_id, person_id from new_members")
        self.connection.unregister("new_members")
        publish_members(self.connection, self.lake, self.ds, [self.destination.name])

    def receive(self, rows: Sequence[tuple]) -> None:
        """Take receipts: of each delivery_id, member_id, campaign, plan, action, status, reason, attempt."""
        names = ("delivery_id", "member_id", "campaign", "plan", "action", "status", "reason", "attempt")
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        types = (*[pa.string()] * 7, pa.int32())
        table = pa.table(
            {name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)}
        )
        self.connection.register("answered", table)
        self.connection.execute("insert into receipts select *, false from answered")
        self.connection.unregister("answered")

    def drop_receipts(self, deliveries: list[str]) -> None:
        """Those that a run which was killed has left of the same messages."""
        self.connection.register("handed_again", pa.table({"delivery_id": pa.array(deliveries, pa.string())}))
        self.connection.execute("delete from receipts where delivery_id in (select delivery_id from handed_again)")
        self.connection.unregister("handed_again")

    def fold(self) -> None:
        """Let the members know what was answered since this was last done."""
        self.connection.execute(
            "update members set plan = greatest(coalesce(members.plan, receipts.plan::date), receipts.plan::date) "
            "from receipts where receipts.member_id = members.member_id and not receipts.folded "
            "and receipts.action = 'add' and receipts.status = 'delivered'"
        )
        self.connection.execute(
            "delete from members using receipts where receipts.member_id = members.member_id and not receipts.folded "
            "and ((receipts.action = 'remove' and receipts.status = 'delivered') "
            "or (receipts.action = 'add' and receipts.status = 'refused' and members.plan is null))"
        )
        self.connection.execute("update receipts set folded = true where not folded")

    @property
    def is_due(self) -> str:
        """Whether a message of tonight is still to be handed over."""
        return "true" if self.destination.is_whole else "members.plan is distinct from $ds::date"

    def leaving(self) -> str:
        """A query of the members whom the destination is to know no more: member_id, campaign."""
        current = _listed(self.tonight.campaigns)
        gone = _listed(self.gone)
        failed = _listed(self.tonight.failed)
        return (
            f"select member_id, campaign from members where (campaign in {current} and not exists (select 1 "
            "from wanted where wanted.campaign = members.campaign and wanted.person_id = members.person_id "
            f"and wanted.reason is null)) or campaign in {gone} or (campaign in {failed} and "
            "(person_id is null or person_id in (select person_id from refusing)))"
        )

    @property
    def gone(self) -> list[str]:
        """Campaigns of members that go there no more: there is none of that name, or it is not meant for there."""
        known = [name for (name,) in self.connection.execute("select distinct campaign from members").fetchall()]
        gone = (one for one in known if one not in self.tonight.names or not self.destination.takes(one))
        return [] if self.tonight.is_part else sorted(gone)

    def touched(self) -> list[str]:
        """Campaigns beside tonight's of which people were removed."""
        rows = self.connection.execute("select distinct campaign from receipts where plan = $ds", {"ds": self.ds})
        return sorted(name for (name,) in rows.fetchall() if name not in self.tonight.campaigns)

    def of(self, campaign: str) -> dict[str, Any]:
        """What became of everybody in an audience, and of those who left it.

        Raises:
            LakeError: somebody of an audience is lost, or counted twice.
        """
        by_status = dict(
            self.connection.execute(
                """
                with told as (
                    select people.person_id, list(receipts.status) as statuses
                    from receipts join people using (member_id)
                    where receipts.campaign = $campaign and receipts.plan = $ds and receipts.action = 'add'
                    group by people.person_id
                )
                select
                    case
                        when wanted.reason is not null then 'withheld'
                        when list_contains(told.statuses, 'delivered') then 'delivered'
                        when members.plan = $ds::date then 'already'
                        when list_contains(told.statuses, 'waiting') then 'waiting'
                        when list_contains(told.statuses, 'refused') then 'refused'
                        else 'lost'
                    end as outcome,
                    count(*)
                from wanted
                left join told using (person_id)
                left join members on members.person_id = wanted.person_id and members.campaign = wanted.campaign
                where wanted.campaign = $campaign
                group by outcome
                """,
                {"campaign": campaign, "ds": self.ds},
            ).fetchall()
        )
        audience = self.tonight.size(campaign)
        outcomes = ("delivered", "already", "refused", "waiting")
        books = {"audience": audience, **{name: by_status.get(name, 0) for name in outcomes}}
        if by_status.get("lost") or audience != sum(by_status.values()):
            raise LakeError(
                expected=f"{audience} people of audience {campaign} = {' + '.join(outcomes)} + withheld",
                received=str(by_status),
                remedy="report this; the journal stays, and the same command goes on",
            )
        removals = dict(
            self.connection.execute(
                "select status, count(distinct member_id) from receipts where campaign = $campaign and plan = $ds "
                "and action = 'remove' group by status",
                {"campaign": campaign, "ds": self.ds},
            ).fetchall()
        )
        not_removed = sum(count for status, count in removals.items() if status != "delivered")
        withheld = self._withheld(campaign)
        return {**books, "withheld": withheld, "removed": removals.get("delivered", 0), "not_removed": not_removed}

    def _withheld(self, campaign: str) -> dict[str, int]:
        return dict(
            self.connection.execute(
                "select reason, count(*) from wanted where campaign = $campaign and reason is not null "
                "group by reason order by reason",
                {"campaign": campaign},
            ).fetchall()
        )

    def count(self, what: str, **options: Any) -> int:
        used = {name: value for name, value in options.items() if f"${name}" in what}
        (count,) = self.connection.execute(f"select count(*) from {what}", used).fetchall()[0]
        return count


def _listed(names: Iterable[str]) -> str:
    """Names as a list in SQL, which is never empty."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"({quoted or 'null'})"
