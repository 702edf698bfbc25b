"""The web log's mapping, written by hand for one engine: what a night's `map` is measured against.

The same SQL for DuckDB and for Spark, but for the functions that the two call otherwise. It writes the same columns as
`spark_jobs/mappings/apache_combined.yml` does, with keyed pseudonyms and sessions, without what a mapping adds to them:
books, quarantine, bounds, notes of what was not understood, odd addresses and identifiers of nobody.

    python -m bench.night_by_hand --engine duckdb --log access.log --to folder
    spark-submit bench/night_by_hand.py --engine spark --log access.log --to folder
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

_KEY = b"a bench has no people to protect"
_LINE = r'^(\S+) \S+ (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) \S+ "([^"]*)" "([^"]*)"(?: "([^"]*)")?'
_FIELDS = ("host", "login", "time", "request", "status", "referer", "agent", "cookies")

_SQL = r"""
with parts as ({parts}),
fields as (
    select raw, host, nullif(login, '-') as login, {time} as occurred_at, {status} as status, agent, cookies,
           {target} as target
    from parts where host <> ''
),
named as (
    select *, {account} as account, {cookie} as cookie, {visitor} as visitor, {line_id} as line_id,
           {item} as item, {subscriber} as email,
           case when target like '/item/%' then 'view' when target like '/cart/add?%' then 'cart'
                when target like '/checkout/complete?%' then 'purchase' when target like '/search?%' then 'search'
                else 'visit' end as act
    from fields
    where not {is_bot} and status < 400 and not {is_asset} and host not like '127.%'
),
-- one line once
numbered as (select *, row_number() over (partition by line_id order by raw) as number from named)
select * from numbered where number = 1
"""

_EVENTS = r"""
with acts as (
    select line_id as event_id, 'apache_combined' as source, coalesce(account, cookie, visitor) as identifier,
           occurred_at, act as action,
           case when act in ('cart', 'purchase') then {parameter_item} else nullif(item, '') end as item_id,
           nullif({category}, '') as category,
           case when act = 'purchase' then try_cast({parameter_amount} as double) end as value,
           case when act = 'search' then {words} end as topics,
           {parameter_campaign} as campaign, {device} as device, coalesce(cookie, visitor) as session_key
    from lines where target not like '/consent?%' and target not like '/login%'
),
begun as (
    select *, case when {seconds} - lag({seconds}) over visit < 1800 then null else event_id end as begins
    from acts window visit as (partition by session_key order by occurred_at, event_id)
)
select event_id, source, identifier, occurred_at, action, item_id, category, value,
       last_value(begins{ignore_nulls}) over (partition by session_key order by occurred_at, event_id
           rows between unbounded preceding and current row) as session_id,
       topics, campaign, device
from begun
"""

_CONSENTS = "\nunion all\n".join(
    f"""select line_id || ' {purpose}' as consent_id, 'apache_combined' as source,
       coalesce(account, cookie, visitor) as identifier, '{purpose}' as purpose,
       {{parameter_{purpose}}} = '1' as granted, occurred_at
from lines where target like '/consent?%' and {{parameter_{purpose}}} is not null"""
    for purpose in ("profiling", "training", "personalisation", "marketing_contact")
)

_EDGES = r"""
select line_id || ' login' as edge_id, 'apache_combined' as source, account as left_identifier,
       cookie as right_identifier, 'login' as kind, occurred_at
from lines where target like '/login%' and account is not null and cookie is not null
union all
select line_id || ' email_click', 'apache_combined', email, cookie, 'email_click', occurred_at
from lines where email is not null and cookie is not null
"""

TABLES = {"events": _EVENTS, "consents": _CONSENTS, "identity_edges": _EDGES}


@dataclass(frozen=True)
class Engine:
    """What an engine calls otherwise than the other."""

    parts: str
    time: str
    sha: str
    binary: str
    characters: str
    decode: str
    words: str
    seconds: str
    ignore_nulls: str


_MATCHES = ", ".join(f"regexp_extract(raw, '{{line}}', {place}) as {name}" for place, name in enumerate(_FIELDS, 1))

DUCKDB = Engine(
    parts="select raw, unnest(regexp_extract(raw, '{line}', [{names}])) "
    "from read_csv('{log}', columns={{'raw': 'VARCHAR'}}, delim='\x01', quote='', escape='', header=false)",
    time="strptime(time, '%d/%b/%Y:%H:%M:%S %z')",
    sha="sha256({})",
    binary="unhex('{}')",
    characters="encode({})",
    decode="url_decode({})",
    words="string_split(lower({}), ' ')",
    seconds="epoch(occurred_at)",
    ignore_nulls=" ignore nulls",
)
SPARK = Engine(
    parts=f"select value as raw, {_MATCHES.replace('raw', 'value')} from log",
    time="to_timestamp(time, 'dd/MMM/yyyy:HH:mm:ss Z')",
    sha="sha2({}, 256)",
    binary="X'{}'",
    characters="encode({}, 'UTF-8')",
    decode="url_decode({})",
    words="split(lower({}), ' ')",
    seconds="unix_timestamp(occurred_at)",
    ignore_nulls=", true",
)


def sql(engine: Engine, log: str) -> tuple[str, dict[str, str]]:
    """SQL of the lines that are acts, as `lines`, and of each table made of them."""
    spark = engine is SPARK

    def escaped(pattern: str) -> str:
        return pattern.replace("\\", "\\\\") if spark else pattern

    def found(text: str, pattern: str) -> str:
        return f"regexp_extract({text}, '{escaped(pattern)}', 1)"

    def matches(text: str, pattern: str) -> str:
        return f"{text} rlike '{escaped(pattern)}'" if spark else f"regexp_matches({text}, '{pattern}')"

    def keyed(text: str) -> str:
        block = _KEY.ljust(64, b"\0")
        inner, outer = (engine.binary.format(bytes(byte ^ pad for byte in block).hex()) for pad in (0x36, 0x5C))
        first = engine.sha.format(f"{inner} || {engine.characters.format(text)}")
        return f"left({engine.sha.format(f'{outer} || unhex({first})')}, 32)"

    def pseudonym(kind: str, text: str) -> str:
        cleaned = f"'{kind}:' || lower(trim({text}))"
        return f"'{kind}:' || {keyed(cleaned)}"

    def parameter(name: str) -> str:
        return f"nullif({engine.decode.format(found('target', f'[?&]{name}=([^&#]*)'))}, '')"

    is_tablet, is_mobile = matches("agent", "(?i)ipad|tablet|kindle"), matches("agent", "(?i)mobile|iphone|android")
    parameters = ("item", "amount", "campaign", "profiling", "training", "personalisation", "marketing_contact")
    names = {f"parameter_{name}": parameter("utm_campaign" if name == "campaign" else name) for name in parameters}
    names |= {
        "parts": engine.parts.format(line=escaped(_LINE), log=log, names=", ".join(f"'{name}'" for name in _FIELDS)),
        "time": engine.time,
        "status": "cast(status as int)",
        "target": found("request", r"^\S+ (\S+)"),
        "account": pseudonym("account", "nullif(login, '-')"),
        "cookie": pseudonym("cookie", f"nullif({found('cookies', '(?:^|; *)vid=([^;]+)')}, '')"),
        "visitor": pseudonym("visitor", f"{found('host', r'^(.*)[.][0-9]+$')} || ' ' || agent"),
        "line_id": keyed("raw"),
        "item": found("target", "^/item/([^/?#]+)"),
        "subscriber": pseudonym("email", parameter("subscriber")),
        "category": engine.decode.format(found("target", "^/category/([^/?#]+)")),
        "is_bot": matches("agent", "(?i)bot|crawl|spider|slurp|curl|wget"),
        "is_asset": matches("target", r"(?i)^[^?#]*[.](css|js|map|png|jpe?g|gif|svg|ico|woff2?|ttf)([?#]|$)"),
        "words": engine.words.format(parameter("q")),
        "device": f"case when {is_tablet} then 'tablet' when {is_mobile} then 'mobile' "
        f"when {matches('agent', '(?i)windows|macintosh|x11|cros')} then 'desktop' else 'other' end",
        "seconds": engine.seconds,
        "ignore_nulls": engine.ignore_nulls,
    }
    return _SQL.format(**names), {table: text.format(**names) for table, text in TABLES.items()}


def by_duckdb(log: Path, to: Path) -> dict[str, int]:
    """Rows of each table, written below `to`."""
    lines, tables = sql(DUCKDB, str(log))
    with duckdb.connect(str(to / "duckdb.db")) as database:
        database.execute("set timezone = 'UTC'")
        database.execute(f"create temp table lines as {lines}")
        return {
            table: database.execute(f"copy ({text}) to '{to / table}.parquet' (compression zstd)").fetchone()[0]
            for table, text in tables.items()
        }


def by_spark(log: Path, to: Path) -> dict[str, int]:
    """Rows of each table, written below `to`."""
    from pyspark.sql import SparkSession

    lines, tables = sql(SPARK, str(log))
    session = SparkSession.builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    session.read.text(str(log)).createOrReplaceTempView("log")
    session.sql(lines).write.parquet(str(to / "lines"))
    session.read.parquet(str(to / "lines")).createOrReplaceTempView("lines")
    rows = {}
    for table, text in tables.items():
        session.sql(text).write.parquet(str(to / table))
        rows[table] = session.read.parquet(str(to / table)).count()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.night_by_hand", description=__doc__)
    parser.add_argument("--engine", choices=("duckdb", "spark"), required=True)
    parser.add_argument("--log", type=Path, required=True, help="a web log in Apache's combined format")
    parser.add_argument("--to", type=Path, required=True, help="an empty folder")
    chosen = parser.parse_args()
    rows = (by_duckdb if chosen.engine == "duckdb" else by_spark)(chosen.log, chosen.to)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
