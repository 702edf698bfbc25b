"""The failures that `bench/failures.py` provokes: what is broken, which command meets it, and how it must end."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench import breaking as by
from bench.breaking import DAY, POSTS, WEB

SOURCES = ("catalogue", POSTS, "qualtrics_csv", WEB)

MAP = ("-m", "spark_jobs.main", "map", "--ds", DAY, "--source")
RESOLVE = ("-m", "spark_jobs.main", "resolve", "--ds", DAY)
PROFILE = ("-m", "dbt_project.build", "--ds", DAY)
SCORE = ("-m", "serving.score", "--ds", DAY)
PLAN = ("-m", "activation.plan", "--ds", DAY)
EXPORT = ("-m", "activation.export", "--ds", DAY)


def NIGHT(people: int, days: int) -> Iterator[Sequence[str]]:  # noqa: N802  used as the constants are
    """The commands of a night that does not fail."""
    yield "-m", "sample_data.town", "--people", str(people), "--days", str(days), "--last-day", DAY
    yield "-m", "spark_jobs.application", "start"
    for source in SOURCES:
        yield *MAP, source
    yield from (RESOLVE, PROFILE, SCORE, PLAN, EXPORT)


def nothing(*_: object) -> None:
    """What is done where nothing has to be."""


@contextlib.contextmanager
def alone(_: Path) -> Iterator[None]:
    """Nothing beside the command."""
    yield


@dataclass(frozen=True)
class Failure:
    """A command that fails, or that only looks as if it would (status 0)."""

    name: str
    command: Sequence[str]
    """Behind `python`."""
    status: int
    says: Sequence[str]
    """What its output has in it."""
    prepare: Callable[[Path], object] = nothing
    """Breaks something in a home that is a copy."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment; `{home}` is the home."""
    within: Callable[[Path], Sequence[str]] = lambda _: ()
    """What the command is started by."""
    beside: Callable[[Path], contextlib.AbstractContextManager] = alone
    """What else is at work on the home."""
    meanwhile: Callable[[psutil.Process, Path], object] = nothing
    """What happens to the command while it is at work."""


MEMORY, SPARKS_MEMORY, MASTER = "NIGHTSHIFT_MEMORY", "NIGHTSHIFT_SPARK_DRIVER_MEMORY", "NIGHTSHIFT_SPARK_MASTER"

FAILURES = (
    # memory
    Failure("memory too small", (*MAP, WEB), 2, ("at least 2g", MEMORY), settings={MEMORY: "512m"}),
    Failure("container too small", (*MAP, WEB), 2, ("the least is 2g",), within=by.limited_to(1 << 30)),
    Failure("container smaller than the machine", (*MAP, POSTS), 0, ("mapped",), within=by.limited_to(5 << 29)),
    Failure("java's memory too small", (*MAP, POSTS), 2, (SPARKS_MEMORY,), settings={SPARKS_MEMORY: "100m"}),
    Failure("java's memory no size", (*MAP, POSTS), 2, (SPARKS_MEMORY,), settings={SPARKS_MEMORY: "much"}),
    Failure("java's memory more than there is", (*MAP, POSTS), 2, (SPARKS_MEMORY,), settings={SPARKS_MEMORY: "100t"}),
    Failure("java out of memory", (*MAP, WEB), 2, (MEMORY,), prepare=by.long_line, settings={SPARKS_MEMORY: "512m"}),
    Failure("line of 100 MB", (*MAP, WEB), 0, ("mapped",), prepare=by.long_line),
    # processes
    Failure("java killed", (*MAP, WEB), 75, (MEMORY,), meanwhile=by.when(by.java_at_work)),
    Failure(
        "java of the night killed",
        (*MAP, WEB),
        75,
        (MEMORY,),
        beside=by.application,
        meanwhile=by.when(by.java_of_the_night),
    ),
    Failure(
        "executor killed",
        (*MAP, WEB),
        0,
        ("mapped",),
        meanwhile=by.when(by.executor_at_work),
        settings={MASTER: "local-cluster[2,1,1024]"},
    ),
    Failure("interrupted", (*MAP, WEB), 130, ("interrupted",), meanwhile=by.when(by.command_at_work, signal.SIGINT)),
    Failure("dbt killed", PROFILE, 75, (MEMORY,), meanwhile=by.when(by.dbt_at_work)),
    Failure("no java", (*MAP, POSTS), 2, ("JAVA_HOME",), settings={"JAVA_HOME": "/nowhere"}),
    Failure("no cluster", (*MAP, POSTS), 75, (MASTER,), settings={MASTER: "spark://127.0.0.1:9"}),
    Failure("no master", (*MAP, POSTS), 2, (MASTER,), settings={MASTER: "nonsense"}),
    Failure("one core", (*MAP, POSTS), 0, ("mapped",), within=by.one_core),
    Failure("three cores", (*MAP, POSTS), 0, ("mapped",), settings={MASTER: "local[3]"}),
    Failure("lock held", RESOLVE, 75, ("only run of 'resolve'",), beside=by.lock_held),
    Failure("warehouse open", PROFILE, 75, ("only process that has the warehouse open",), beside=by.warehouse_open),
    Failure("application stale", (*MAP, POSTS), 75, ("Java",), beside=by.stale_application),
    Failure("application unintelligible", (*MAP, POSTS), 0, ("mapped",), beside=by.unintelligible_application),
    # disks
    Failure("disk full in map", (*MAP, WEB), 75, ("full disk",), within=by.small("$home/lake/.runs/.staging", 64)),
    Failure(
        "disk full for spilling",
        (*MAP, WEB),
        75,
        ("full disk",),
        settings={"SPARK_LOCAL_DIRS": "{home}/scratch"},
        within=by.small("$home/scratch", 16),
    ),
    Failure("disk full in profile", PROFILE, 75, ("full disk",), within=by.small("$home/dbt", 64)),
    Failure("disk full in score", SCORE, 75, ("full disk",), within=by.small("$home/lake/.runs/.staging", 4)),
    Failure("home read-only", (*MAP, WEB), 2, ("NIGHTSHIFT_HOME",), within=by.read_only),
    Failure("home read-only for profile", PROFILE, 2, ("NIGHTSHIFT_HOME",), within=by.read_only),
    Failure("home a file", (*MAP, WEB), 2, ("NIGHTSHIFT_HOME",), settings={"NIGHTSHIFT_HOME": "/dev/null"}),
    # deliveries
    Failure("gzip truncated", (*MAP, WEB), 2, ("truncated_gzip",), prepare=by.truncated),
    Failure("gzip broken", (*MAP, WEB), 2, ("broken_gzip",), prepare=by.only(WEB, "access.log.gz", b"no gzip" * 99)),
    Failure("zstd broken", (*MAP, POSTS), 2, (), prepare=by.only(POSTS, "statuses.jsonl.zst", b"no zstd" * 99)),
    Failure("zip broken", (*MAP, WEB), 2, (), prepare=by.only(WEB, "access.log.zip", b"PK\3\4" * 99)),
    Failure(
        "bytes and no text", (*MAP, WEB), 2, ("quarantine",), prepare=by.only(WEB, "access.log", bytes(range(256)) * 99)
    ),
    Failure("json half broken", (*MAP, POSTS), 2, ("quarantine",), prepare=by.half_broken),
    Failure("file empty", (*MAP, WEB), 2, ("an empty file",), prepare=by.only(WEB, "access.log", b"")),
    Failure("link to nothing", (*MAP, WEB), 2, ("expected a file",), prepare=by.dangling),
    Failure("folder for a file", (*MAP, WEB), 2, ("expected a file",), prepare=by.folder_for_file),
    Failure("folder unreadable", (*MAP, WEB), 2, ("read",), prepare=by.unreadable, within=by.as_anybody),
    Failure("file unreadable", (*MAP, WEB), 2, ("read",), prepare=by.unreadable_file, within=by.as_anybody),
    Failure("10,000 files", (*MAP, WEB), 0, ("mapped",), prepare=by.many_files),
    Failure("not landed", (*MAP, WEB), 2, ("a delivery of",), prepare=by.without(f"raw/{WEB}/ds={DAY}")),
    # the lake
    *(
        Failure(f"{table} broken for {command[1]}", command, 2, (table,), prepare=by.no_parquet(table))
        for table, command in (
            ("identity_edges", RESOLVE),
            ("persons", (*RESOLVE[:-1], "2026-11-20")),
            ("events", PROFILE),
            ("persons", PROFILE),
            ("dim_person_consent", SCORE),
            ("scores", EXPORT),
            ("consents", EXPORT),
        )
    ),
    Failure("nothing mapped", RESOLVE, 2, ("mapped days",), prepare=by.without("lake")),
    Failure("no persons", PROFILE, 2, ("table persons",), prepare=by.without("lake/persons")),
    Failure("no marts", SCORE, 2, ("dbt_project.build",), prepare=by.without("lake/dim_*", "lake/scoring_*")),
    # settings and arguments
    Failure("day of no month", (*MAP[:-2], "2026-02-30", "--source", WEB), 2, ("YYYY-MM-DD",)),
    Failure("unknown source", (*MAP, "mastodont"), 2, ("did you mean 'mastodon'?",)),
    Failure("unknown flag", (*EXPORT, "--force"), 2, ("--force",)),
    Failure(
        "number no number", EXPORT, 2, ("NIGHTSHIFT_SMALLEST_GROUP",), settings={"NIGHTSHIFT_SMALLEST_GROUP": "few"}
    ),
    Failure("key broken", (*MAP, WEB), 2, ("pseudonym.key",), prepare=by.written("secrets/pseudonym.key", "no key\n")),
    Failure("key lost", (*MAP, WEB), 2, ("pseudonym.key",), prepare=by.without("secrets/pseudonym.key")),
    Failure(
        "retention broken",
        ("-m", "ops.clean", "--ds", DAY),
        2,
        ("retention.yml", "line"),
        prepare=by.written("retention.yml", "lake: many days\n"),
        settings={"NIGHTSHIFT_RETENTION": "{home}/retention.yml"},
    ),
    Failure(
        "rules broken",
        RESOLVE,
        2,
        ("rules.yml", "line"),
        prepare=by.written("rules.yml", "kinds: [\n"),
        settings={"NIGHTSHIFT_IDENTITY_RULES": "{home}/rules.yml"},
    ),
    Failure(
        "campaign broken",
        EXPORT,
        2,
        ("bad.yml",),
        prepare=by.written("campaigns/bad.yml", "channel: 7\n"),
        settings={"NIGHTSHIFT_CAMPAIGNS": "{home}/campaigns"},
    ),
    Failure(
        "policy broken",
        PLAN,
        2,
        ("policy.yml", "line 1"),
        prepare=by.written("policy.yml", "chanels: {}\n"),
        settings={"NIGHTSHIFT_POLICY": "{home}/policy.yml"},
    ),
    # the registry
    Failure("registry broken", SCORE, 2, ("mlflow.db",), prepare=by.written("mlflow.db", "no database\n" * 999)),
    Failure(
        "registry down", SCORE, 75, ("http://127.0.0.1:9",), settings={"NIGHTSHIFT_REGISTRY_URI": "http://127.0.0.1:9"}
    ),
    Failure("thrift server down", PROFILE, 75, ("127.0.0.1:10000",), settings={"NIGHTSHIFT_DBT_TARGET": "spark"}),
)
