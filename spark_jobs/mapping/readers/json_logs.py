"""Web server logs of one JSON object a request, as nginx writes them by `log_format ... escape=json`.

Their names are the administrator's own. Those of nginx's variables and the usual ones in their place are known; the
mapping names others under `read.fields`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.types import StringType, StructField, StructType

from spark_jobs.mapping.readers.json_lines import as_only_value, unknown_names
from spark_jobs.mapping.readers.lines import LONGEST_LINE, read_lines
from spark_jobs.mapping.readers.web_logs import APACHE_TIME, with_requests
from spark_jobs.mapping.reading import Reading

_NAMES = {
    "host": ("remote_addr", "client_ip", "clientip", "remote_ip", "client", "ip"),
    "user": ("remote_user", "user"),
    "time": ("time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp", "ts", "datetime"),
    "request": ("request",),
    "method": ("request_method", "method", "verb"),
    "target": ("request_uri", "url", "path"),
    "status": ("status", "status_code"),
    "referer": ("http_referer", "referer", "referrer"),
    "agent": ("http_user_agent", "user_agent", "useragent", "agent"),
    "cookies": ("http_cookie", "cookies", "cookie"),
    "forwarded": ("http_x_forwarded_for", "x_forwarded_for", "forwarded_for"),
    "vhost": ("http_host", "host", "server_name", "vhost"),
}
"""Field -> the names under which it is looked for, in this order; `uri` and `args` are a target too."""

_NOT_MAPPED = (
    *("body_bytes_sent", "bytes_sent", "bytes", "request_time", "request_length", "request_id", "server_protocol"),
    *("protocol", "scheme", "connection*", "ssl_*", "upstream_*", "gzip_ratio", "pipe", "pid", "hostname"),
    *("remote_port", "server_addr", "server_port", "time_iso8601", "time_local", "msec"),
)
"""Names of nginx that no field is made of."""


def read(session: SparkSession, reading: Reading, files: Sequence[Path], _: Path) -> DataFrame:
    """The fields of `web_logs.FIELDS`; `-` and nothing are null."""
    named = dict(reading.fields)
    names = {field: (named[field],) if field in named else known for field, known in _NAMES.items()}
    known = sorted({name for group in names.values() for name in group} | {"uri", "args"})
    schema = StructType([StructField(name, StringType()) for name in known])
    text = F.col("raw_text")
    # without escape=json, nginx writes \x22 for a quotation mark, which is no JSON
    text = F.when(F.contains(text, F.lit("\\x")), F.regexp_replace(text, _HEX, r"$1\\u00$2")).otherwise(text)
    ddl = ", ".join(f"`{name}` STRING" for name in known)
    parsed = F.from_json(as_only_value(text), f"raw_values ARRAY<STRUCT<{ddl}>>, raw_end BOOLEAN")
    rows = read_lines(session, files).withColumn("parsed", F.when(F.length("raw_text") <= LONGEST_LINE, parsed))
    rows = rows.withColumn("raw_unknown", unknown_names(schema, (*reading.ignore, *_NOT_MAPPED)))
    found = {name: _value(name) for name in known}
    values = {field: F.coalesce(*(found[name] for name in group)) for field, group in names.items()}
    request = values.pop("request")
    path = F.concat_ws("?", found["uri"], found["args"])
    values["method"] = F.coalesce(values["method"], F.substring_index(request, " ", 1), F.lit(""))
    values["target"] = F.coalesce(
        values["target"],
        F.regexp_extract(request, r"(?s)^\S++ (.*?)(?: HTTP/\d(?:\.\d)?)?$", 1),
        F.nullif(path, F.lit("")),
        F.lit(""),
    )
    values["time"] = _moment(values["time"])
    is_row = F.coalesce(F.size("parsed.raw_values") == 1, F.lit(False)) & F.col("parsed.raw_end").isNotNull()
    return with_requests(rows, values, "", False, is_row)


_HEX = r"(?<!\\)((?:\\\\)*+)\\x([0-9A-Fa-f]{2})"


def _value(name: str) -> Column:
    value = F.get("parsed.raw_values", F.lit(0))[name]
    return F.when(value.isin("-", ""), None).otherwise(value)


def _moment(text: Column) -> Column:
    """A time as text that Spark reads: Apache's, seconds or milliseconds since 1970, or a standard one."""
    number = F.when(text.rlike(r"^\d[\d.E]+$"), text.try_cast("double"))
    since = F.when(number.between(1e8, 1e11), number * 1000).when(number.between(1e11, 1e14), number)
    return F.coalesce(
        F.timestamp_millis(F.round(since).cast("bigint")).cast("string"),
        F.try_to_timestamp(text, F.lit(APACHE_TIME)).cast("string"),
        text,
    )
