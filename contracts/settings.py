"""Every setting of Nightshift, read from the environment in this file alone.

Each setting is an environment variable `NIGHTSHIFT_<NAME>`; every one has a default that works on one machine without
a server. A server deployment changes these variables only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import SettingsError
from contracts.home import Home
from contracts.memory import duckdb_share, memory_of, spark_memory_of

REPOSITORY = Path(__file__).resolve().parent.parent
DBT_TARGETS = ("duckdb", "spark")

NIGHT_PAGE = "http://127.0.0.1:8090"
"""Where `make ui` serves the page of the night."""

_SPARK_MASTER = re.compile(
    r"local(\[(\*|[1-9]\d*)(, ?\d+)?\]|-cluster\[ *\d+ *, *\d+ *, *\d+ *\])?|spark://[^:]+:\d+.*|yarn|k8s://.+"
)

TEXT_MODEL = "serving.words.packaged:wordllama"
"""The static model whose weights come inside a package."""

APPROVALS = ("auto", "ask")
"""Who promotes a challenger that passed the gate: the gate itself, or a person. The first is the default."""


@dataclass(frozen=True)
class Settings:
    """Where things are, and the few numbers that a deployment may want to change."""

    home: Home
    """Everything a run writes: NIGHTSHIFT_HOME, by default `var/` of the repository."""
    raw: Path
    """Raw deliveries, `<source>/ds=YYYY-MM-DD/*`: NIGHTSHIFT_RAW, by default `<home>/raw`."""
    campaigns: Path
    """Audience definitions, one YAML each: NIGHTSHIFT_CAMPAIGNS, by default `activation/campaigns/`."""
    policy: Path
    """How often and when people may be written to, and for how much: NIGHTSHIFT_POLICY, `activation/policy.yml`."""
    rules: Path
    """What may be shown, where and how often in a list: NIGHTSHIFT_RULES, by default `serving/rules.yml`."""
    destinations: Path
    """Where audiences are delivered to: NIGHTSHIFT_DESTINATIONS, by default `activation/destinations.yml`."""
    text_model: str
    """What turns texts into vectors, as module:function: NIGHTSHIFT_TEXT_MODEL, by default the packaged one."""
    pseudonym_key_file: Path
    """Keys of the pseudonyms, 64 hex digits a line: NIGHTSHIFT_PSEUDONYM_KEY_FILE, by default `<home>/secrets/...`."""
    registry_uri: str
    """MLflow tracking and registry address: NIGHTSHIFT_REGISTRY_URI, by default SQLite under `<home>`."""
    spark_master: str
    """NIGHTSHIFT_SPARK_MASTER, by default `local[*]`."""
    memory: int
    """Bytes that a night may take: NIGHTSHIFT_MEMORY (`8g`), by default half of what machine or container has."""
    spark_driver_memory: str
    """NIGHTSHIFT_SPARK_DRIVER_MEMORY, by default a third of the memory."""
    identity_rules: Path
    """Rules by which identifiers become persons: NIGHTSHIFT_IDENTITY_RULES, by default those of `spark_jobs/`."""
    retention: Path
    """How long what runs write is kept: NIGHTSHIFT_RETENTION, by default `ops/retention.yml`."""
    component_limit: int | None
    """Most identifiers that one person may have: NIGHTSHIFT_COMPONENT_LIMIT, by default what those rules say."""
    smallest_group: int
    """Fewest people of an audience, or of a group in a report, that is let out: NIGHTSHIFT_SMALLEST_GROUP, 20."""
    dbt_target: str
    """Engine of the profiles, `duckdb` or `spark`: NIGHTSHIFT_DBT_TARGET, by default `duckdb`."""
    thrift_host: str
    """Where the Spark Thrift server listens, for the target `spark`: NIGHTSHIFT_THRIFT_SERVER, `<host>:<port>`."""
    thrift_port: int
    """Its port; by default the server is `127.0.0.1:10000`."""
    deadline_hours: int
    """How long a DAG run may take before an alert says so: NIGHTSHIFT_DEADLINE_HOURS, 6; 0: any time."""
    night_page: str
    """Where people open the page of the night: NIGHTSHIFT_NIGHT_PAGE, by default that of `make ui`."""
    registry_page: str
    """Where people open the registry: NIGHTSHIFT_REGISTRY_PAGE, by default its address, or MLflow of `make ui`."""
    approval: str
    """Who lets a challenger that passed the gate become champion, `auto` or `ask`: NIGHTSHIFT_APPROVAL, `auto`."""
    delivery_approval: str
    """Who lets audiences go to their destinations, `auto` or `ask`: NIGHTSHIFT_DELIVERY_APPROVAL, by default `auto`."""
    approval_hours: int
    """How long an approver has to answer before the champion stays: NIGHTSHIFT_APPROVAL_HOURS, by default 6."""
    approvers: tuple[str, ...]
    """Ids of the Airflow users who may answer: NIGHTSHIFT_APPROVERS, with commas; by default all who are permitted."""
    privacy_budget: float
    """Most epsilon that private trainings may give away of a table, ever: NIGHTSHIFT_PRIVACY_BUDGET, by default 10."""
    retrain_minutes: int
    """Minutes to tune a model whose champion is worth less than when it was promoted, before it is trained at once:
    NIGHTSHIFT_RETRAIN_MINUTES; by default 0, and no training is started."""
    retrain_rest_days: int
    """Days after such a training in which the model starts no other: NIGHTSHIFT_RETRAIN_REST_DAYS, by default 14."""
    lineage: str
    """Where OpenLineage events go: `off`, `file` (below `<home>/lineage/`) or an http address: NIGHTSHIFT_LINEAGE."""
    lineage_parent: str
    """The run of which this one is a part, as namespace/job/run: NIGHTSHIFT_LINEAGE_PARENT, set by the DAGs."""
    release: str
    """What the code is where it is no checkout: NIGHTSHIFT_RELEASE, set by the images of the stack; empty elsewhere."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ`, by default the process environment.

        Raises:
            SettingsError: a number is not a number, an address no address, a choice none of those that there are, home
                no folder, or the memory too small for anything.
        """
        env = os.environ if environ is None else environ
        thrift_host, thrift_port = _address(env, "NIGHTSHIFT_THRIFT_SERVER", default="127.0.0.1:10000")
        home = _home(env)
        memory = memory_of(env.get("NIGHTSHIFT_MEMORY"))
        return cls(
            home=home,
            raw=Path(env.get("NIGHTSHIFT_RAW") or home.raw).resolve(),
            campaigns=Path(env.get("NIGHTSHIFT_CAMPAIGNS") or REPOSITORY / "activation" / "campaigns").resolve(),
            policy=Path(env.get("NIGHTSHIFT_POLICY") or REPOSITORY / "activation" / "policy.yml").resolve(),
            rules=Path(env.get("NIGHTSHIFT_RULES") or REPOSITORY / "serving" / "rules.yml").resolve(),
            destinations=Path(
                env.get("NIGHTSHIFT_DESTINATIONS") or REPOSITORY / "activation" / "destinations.yml"
            ).resolve(),
            text_model=_module_function(env, "NIGHTSHIFT_TEXT_MODEL", default=TEXT_MODEL),
            pseudonym_key_file=Path(
                env.get("NIGHTSHIFT_PSEUDONYM_KEY_FILE") or home.secrets / "pseudonym.key"
            ).resolve(),
            registry_uri=_registry(env, f"sqlite:///{home.registry_database}"),
            spark_master=_spark_master(env),
            memory=memory,
            spark_driver_memory=spark_memory_of(env.get("NIGHTSHIFT_SPARK_DRIVER_MEMORY"), memory),
            identity_rules=Path(
                env.get("NIGHTSHIFT_IDENTITY_RULES") or REPOSITORY / "spark_jobs" / "identity" / "rules.yml"
            ).resolve(),
            retention=Path(env.get("NIGHTSHIFT_RETENTION") or REPOSITORY / "ops" / "retention.yml").resolve(),
            component_limit=(
                _whole_number(env, "NIGHTSHIFT_COMPONENT_LIMIT", default=0)
                if env.get("NIGHTSHIFT_COMPONENT_LIMIT")
                else None
            ),
            smallest_group=_whole_number(env, "NIGHTSHIFT_SMALLEST_GROUP", default=20),
            dbt_target=_one_of(env, "NIGHTSHIFT_DBT_TARGET", DBT_TARGETS),
            thrift_host=thrift_host,
            thrift_port=thrift_port,
            deadline_hours=_whole_number(env, "NIGHTSHIFT_DEADLINE_HOURS", default=6, least=0),
            night_page=(env.get("NIGHTSHIFT_NIGHT_PAGE") or NIGHT_PAGE).rstrip("/"),
            registry_page=env.get("NIGHTSHIFT_REGISTRY_PAGE") or _page_of(env.get("NIGHTSHIFT_REGISTRY_URI")),
            approval=_one_of(env, "NIGHTSHIFT_APPROVAL", APPROVALS),
            delivery_approval=_one_of(env, "NIGHTSHIFT_DELIVERY_APPROVAL", APPROVALS),
            approval_hours=_whole_number(env, "NIGHTSHIFT_APPROVAL_HOURS", default=6),
            privacy_budget=_positive(env, "NIGHTSHIFT_PRIVACY_BUDGET", default=10.0),
            retrain_minutes=_whole_number(env, "NIGHTSHIFT_RETRAIN_MINUTES", default=0, least=0),
            retrain_rest_days=_whole_number(env, "NIGHTSHIFT_RETRAIN_REST_DAYS", default=14),
            lineage=_lineage(env),
            lineage_parent=env.get("NIGHTSHIFT_LINEAGE_PARENT", ""),
            release=env.get("NIGHTSHIFT_RELEASE", ""),
            approvers=tuple(filter(None, map(str.strip, env.get("NIGHTSHIFT_APPROVERS", "").split(",")))),
        )


def duckdb_config(environ: Mapping[str, str] | None = None, *, spills: bool = True) -> dict[str, str]:
    """How DuckDB is configured, wherever it is opened: it keeps to its share of memory, and spills below home.

    Args:
        spills: false where nothing of it may be written; it then has half of the night's memory, and has to do with it.

    Raises:
        SettingsError: the memory is no size, or too small for anything.
    """
    env = os.environ if environ is None else environ
    memory = memory_of(env.get("NIGHTSHIFT_MEMORY"))
    if not spills:
        return {"memory_limit": f"{memory // 2 >> 20}MiB", "temp_directory": ""}
    return {"memory_limit": duckdb_share(memory), "temp_directory": str(_home(env).spill)}


def _home(env: Mapping[str, str]) -> Home:
    root = Path(env.get("NIGHTSHIFT_HOME") or REPOSITORY / "var").resolve()
    if root.exists() and not root.is_dir():
        raise SettingsError(
            expected="a folder in NIGHTSHIFT_HOME, or none yet",
            received=f"{root}, which is no folder",
            remedy="name another, or unset it",
        )
    return Home(root)


def _spark_master(env: Mapping[str, str]) -> str:
    text = env.get("NIGHTSHIFT_SPARK_MASTER") or "local[*]"
    if not _SPARK_MASTER.fullmatch(text):
        raise SettingsError(
            expected="local[*], local[<cores>], spark://<host>:<port>, yarn or k8s://... in NIGHTSHIFT_SPARK_MASTER",
            received=repr(text),
            remedy="correct it or unset it",
        )
    return text


def _whole_number(env: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        raise SettingsError(
            expected=f"a whole number of at least {least} in {name}",
            received=repr(text),
            remedy="correct it or unset it",
        )
    return int(text)


def _module_function(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name) or default
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", text):
        raise SettingsError(
            expected=f"module:function in {name}, for example {default}",
            received=repr(text),
            remedy="correct it or unset it",
        )
    return text


def _positive(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise SettingsError(
            expected=f"a number above 0 in {name}", received=repr(text), remedy="correct it or unset it"
        )
    return number


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """The choice in a variable, by default the first."""
    text = env.get(name) or choices[0]
    if text not in choices:
        raise SettingsError(
            expected=f"{' or '.join(choices)} in {name}", received=repr(text), remedy="correct it or unset it"
        )
    return text


def _address(env: Mapping[str, str], name: str, default: str) -> tuple[str, int]:
    text = env.get(name) or default
    host, _, port = text.rpartition(":")
    if not (host and port.isdigit() and 0 < int(port) < 65536):
        raise SettingsError(
            expected=f"an address as <host>:<port> in {name}", received=repr(text), remedy="correct it or unset it"
        )
    return host, int(port)


def _registry(env: Mapping[str, str], default: str) -> str:
    """The address of the registry; a relative path of a SQLite file becomes absolute, as MLflow keeps it."""
    text = env.get("NIGHTSHIFT_REGISTRY_URI") or default
    file = text.removeprefix("sqlite:///")
    return text if file == text else f"sqlite:///{Path(file).resolve()}"


def _lineage(env: Mapping[str, str]) -> str:
    text = env.get("NIGHTSHIFT_LINEAGE") or "off"
    if text not in ("off", "file") and not text.startswith(("http://", "https://")):
        raise SettingsError(
            expected="off, file or an http address in NIGHTSHIFT_LINEAGE",
            received=repr(text),
            remedy="correct it or unset it",
        )
    return text


def _page_of(registry_uri: str | None) -> str:
    return registry_uri if (registry_uri or "").startswith("http") else "http://127.0.0.1:5000"
