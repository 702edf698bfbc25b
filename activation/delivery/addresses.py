"""Whose address is which: one a person, or the reason why there is none. All of it in memory.

a row of contacts       the person of its account; without a known account, the person of its mail address
account and mail of     neither's: `two_persons`; its address is one that both claim
two persons
several addresses       the last row that can be used counts
one address that two    neither gets it: `shared_address`
persons claim
no mail address, no     `unusable_address`: it cannot be written to
phone number
"""

from __future__ import annotations

import duckdb

from lake_tables.contacts import COLUMNS

NO_ADDRESS, SHARED, TWO_PERSONS, UNUSABLE = "no_address", "shared_address", "two_persons", "unusable_address"

ADDRESS_OF_CHANNEL = {"mail": "email", "sms": "phone", "push": "account", "site": "account"}
"""Channel -> the column of contacts that it needs; letters by post need what no delivery of contacts has."""

_USABLE = {
    "email": r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+",
    "phone": r"\+?[0-9][0-9 ()./-]{4,24}",
    "account": r"[^\x00-\x1f\x7f]{1,200}",
}
"""What can be written to; a line break in an address would be a header of its own."""

_SAME = {
    "email": "lower(address)",
    "phone": "regexp_replace(address, '[^0-9]', '', 'g')",
    "account": "lower(address)",
}
"""By what two addresses are one."""


_ROWS_A_JOIN = 250_000
"""Of contacts that are joined at once to all persons, whose identifiers take more room than addresses."""


def join_persons(connection: duckdb.DuckDBPyConnection, persons: list[str]) -> dict[str, int]:
    """Make the table `owned` of `contacts`: place, the addresses, by_account, by_email; returns what was counted.

    Args:
        persons: files of the table of the night.
    """
    addresses = ", ".join(f"contacts.{name}" for name in COLUMNS)
    typed = ", ".join(f"{name} varchar" for name in (*COLUMNS, "by_account", "by_email"))
    connection.execute(f"create or replace table owned (place bigint, {typed})")
    (contacts,) = connection.execute("select count(*) from arrived").fetchall()[0]
    for first in range(0, contacts, _ROWS_A_JOIN):
        connection.execute(
            f"""
            insert into owned
            with part as (select * from contacts where place >= $first and place < $last),
            asked_for as (select account_id as identifier from part union select email_id from part),
            known as materialized (
                select identifier, person_id from read_parquet($persons)
                where identifier in (select identifier from asked_for)
            )
            select contacts.place, {addresses}, by_account.person_id, by_email.person_id
            from part as contacts
            left join known as by_account on by_account.identifier = contacts.account_id
            left join known as by_email on by_email.identifier = contacts.email_id
            where by_account.person_id is not null or by_email.person_id is not null
            """,
            {"first": first, "last": first + _ROWS_A_JOIN, "persons": persons},
        )
    (known, contradicting) = connection.execute(
        "select count(*), count(*) filter (by_account <> by_email) from owned"
    ).fetchall()[0]
    connection.execute("drop view contacts; drop table arrived")
    return {"of_nobody_known": contacts - known, TWO_PERSONS: contradicting}


def make_addresses(connection: duckdb.DuckDBPyConnection, column: str) -> int:
    """Make the table `addresses_<column>` of `owned`: person_id, address or null, reason where it is null.

    Returns:
        How many people have several addresses that could be used, of whom the last one counts.
    """
    connection.execute(
        f"""
        create or replace table addresses_{column} as
        with claims as (
            select place, by_account as person_id, trim({column}) as address, by_account <> by_email as is_doubtful
            from owned where by_account is not null
            union all
            select place, by_email, trim({column}), by_account is not null
            from owned where by_email is not null and by_email is distinct from by_account
        ),
        filled as (
            select *, regexp_full_match(address, $usable) as is_usable, {_SAME[column]} as same
            from claims where address <> ''
        ),
        shared as (
            select same from filled where is_usable group by same having count(distinct person_id) > 1
        ),
        judged as (
            select
                filled.*,
                coalesce(is_doubtful, false) as doubtful,
                shared.same is not null as is_shared
            from filled left join shared on shared.same = filled.same
        )
        select
            people.person_id,
            max_by(judged.address, judged.place)
                filter (judged.is_usable and not judged.is_shared and not judged.doubtful) as address,
            count(distinct judged.same)
                filter (judged.is_usable and not judged.is_shared and not judged.doubtful) as addresses,
            case
                when bool_or(judged.doubtful) then '{TWO_PERSONS}'
                when bool_or(judged.is_shared) then '{SHARED}'
                when bool_or(not judged.is_usable) then '{UNUSABLE}'
                else '{NO_ADDRESS}'
            end as reason
        from (select distinct person_id from claims) as people
        left join judged on judged.person_id = people.person_id
        group by people.person_id
        """,
        {"usable": _USABLE[column]},
    )
    (several,) = connection.execute(f"select count(*) from addresses_{column} where addresses > 1").fetchall()[0]
    return several
