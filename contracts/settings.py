"""Every setting of Nightshift, read from the environment in this file alone.

Each setting is an environment variable `NIGHTSHIFT_<NAME>`; every one has a default that works on one machine without
a server. A server deployment changes these variables only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import SettingsError
from contracts.keys import read_keys, require_found, require_known
from contracts.lake import ROTATION

REPOSITORY = Path(__file__).resolve().parent.parent
DBT_TARGETS = ("duckdb", "spark")

APPROVALS = ("auto", "ask")
"""Who promotes a challenger that passed the gate: the gate itself, or a person. The first is the default."""

LINEAGE_NAMESPACE = "nightshift"
"""Under which OpenLineage finds the jobs of all engines."""


@dataclass(frozen=True)
class Settings:
    """Where things are, and the few numbers that a deployment may want to change."""

    home: Path
    """Everything a run writes: NIGHTSHIFT_HOME, by default `var/` of the repository."""
    raw: Path
    """Raw deliveries, `<source>/ds=YYYY-MM-DD/*`: NIGHTSHIFT_RAW, by default `<home>/raw`."""
    campaigns: Path
    """Audience definitions, one YAML each: NIGHTSHIFT_CAMPAIGNS, by default `activation/campaigns/`."""
    pseudonym_key_file: Path
    """Keys of the pseudonyms, 64 hex digits a line: NIGHTSHIFT_PSEUDONYM_KEY_FILE, by default `<home>/secrets/...`."""
    registry_uri: str
    """MLflow tracking and registry address: NIGHTSHIFT_REGISTRY_URI, by default SQLite under `<home>`."""
    spark_master: str
    """NIGHTSHIFT_SPARK_MASTER, by default `local[*]`."""
    spark_driver_memory: str
    """NIGHTSHIFT_SPARK_DRIVER_MEMORY, by default `2g`."""
    identity_rules: Path
    """Rules by which identifiers become persons: NIGHTSHIFT_IDENTITY_RULES, by default those of `spark_jobs/`."""
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
    registry_page: str
    """Where people open the registry: NIGHTSHIFT_REGISTRY_PAGE, by default its address, or MLflow of `make ui`."""
    approval: str
    """Who lets a challenger that passed the gate become champion, `auto` or `ask`: NIGHTSHIFT_APPROVAL, `auto`."""
    approval_hours: int
    """How long an approver has to answer before the champion stays: NIGHTSHIFT_APPROVAL_HOURS, by default 6."""
    approvers: tuple[str, ...]
    """Ids of the Airflow users who may answer: NIGHTSHIFT_APPROVERS, with commas; by default all who are permitted."""
    privacy_budget: float
    """Most epsilon that private trainings may give away of a table, ever: NIGHTSHIFT_PRIVACY_BUDGET, by default 10."""
    lineage: str
    """Where OpenLineage events go: `off`, `file` (below `<home>/lineage/`) or an http address: NIGHTSHIFT_LINEAGE."""
    lineage_parent: str
    """The run of which this one is a part, as namespace/job/run: NIGHTSHIFT_LINEAGE_PARENT, set by the DAGs."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ`, by default the process environment.

        Raises:
            SettingsError: a number is not a number, an address no address, or a choice none of those that there are.
        """
        env = os.environ if environ is None else environ
        thrift_host, thrift_port = _address(env, "NIGHTSHIFT_THRIFT_SERVER", default="127.0.0.1:10000")
        home = Path(env.get("NIGHTSHIFT_HOME") or REPOSITORY / "var").resolve()
        return cls(
            home=home,
            raw=Path(env.get("NIGHTSHIFT_RAW") or home / "raw").resolve(),
            campaigns=Path(env.get("NIGHTSHIFT_CAMPAIGNS") or REPOSITORY / "activation" / "campaigns").resolve(),
            pseudonym_key_file=Path(
                env.get("NIGHTSHIFT_PSEUDONYM_KEY_FILE") or home / "secrets" / "pseudonym.key"
            ).resolve(),
            registry_uri=env.get("NIGHTSHIFT_REGISTRY_URI") or f"sqlite:///{home / 'mlflow.db'}",
            spark_master=env.get("NIGHTSHIFT_SPARK_MASTER") or "local[*]",
            spark_driver_memory=env.get("NIGHTSHIFT_SPARK_DRIVER_MEMORY") or "2g",
            identity_rules=Path(
                env.get("NIGHTSHIFT_IDENTITY_RULES") or REPOSITORY / "spark_jobs" / "identity" / "rules.yml"
            ).resolve(),
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
            registry_page=env.get("NIGHTSHIFT_REGISTRY_PAGE") or _page_of(env.get("NIGHTSHIFT_REGISTRY_URI")),
            approval=_one_of(env, "NIGHTSHIFT_APPROVAL", APPROVALS),
            approval_hours=_whole_number(env, "NIGHTSHIFT_APPROVAL_HOURS", default=6),
            privacy_budget=_positive(env, "NIGHTSHIFT_PRIVACY_BUDGET", default=10.0),
            lineage=_lineage(env),
            lineage_parent=env.get("NIGHTSHIFT_LINEAGE_PARENT", ""),
            approvers=tuple(filter(None, map(str.strip, env.get("NIGHTSHIFT_APPROVERS", "").split(",")))),
        )

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def rotation(self) -> Path:
        """The journal of a rotation of keys that has not ended; it holds no key."""
        return self.home / ROTATION

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def spark_warehouse(self) -> Path:
        """Where Spark keeps the tables of its databases."""
        return self.home / "spark-warehouse"

    @property
    def artifacts(self) -> Path:
        return self.home / "artifacts"

    @property
    def audiences(self) -> Path:
        return self.home / "audiences"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def encrypted(self) -> Path:
        """What owner and partner of an encrypted scoring hand each other; vectors go with whoever is forgotten."""
        return self.home / "encrypted"

    def encrypted_profiles(self) -> list[Path]:
        """Vectors and scores of people on their way to a partner and back, and who is where in them; keys stay."""
        patterns = ("*/*.ckks", "owner/people-*.json")
        return sorted(file for pattern in patterns for file in self.encrypted.glob(pattern))

    @property
    def approvals(self) -> Path:
        """Verdicts of the gate that wait for a person: `contracts/verdicts.py`."""
        return self.home / "approvals"

    @property
    def truth(self) -> Path:
        """What the simulated town hides from the pipeline; only `sample_data` writes and reads it."""
        return self.home / "truth"

    def lineage_transport(self, engine: str) -> dict[str, Any] | None:
        """OpenLineage's `transport` for the events of one engine; None where they are off."""
        if self.lineage == "off":
            return None
        if self.lineage == "file":
            folder = self.home / "lineage"
            folder.mkdir(parents=True, exist_ok=True)
            return {"type": "file", "log_file_path": str(folder / f"{engine}.jsonl"), "append": True}
        return {"type": "http", "url": self.lineage}

    def pseudonym_keys(self) -> tuple[bytes, ...]:
        """The keys under which identifiers are hashed, 32 bytes each, oldest first: one line of the file each.

        The demo's first key is made on first use, for its owner only; a rotation appends one.

        Raises:
            SettingsError: a key file was named but is not there, or a line of it does not hold 64 hex digits; or the
                lake was hashed under other keys, or under some that are gone.
        """
        file = self.pseudonym_key_file
        require_found(self.lake, file)
        if not file.exists():
            if file.parent != self.home / "secrets":
                raise SettingsError(
                    expected=f"the pseudonym key in {file}",
                    received="no such file",
                    remedy="create it with 64 hex digits, or unset NIGHTSHIFT_PSEUDONYM_KEY_FILE to use the demo's key",
                )
            _write_owner_only(file, secrets.token_hex(32))
        keys = read_keys(file)
        require_known(self.lake, keys, file)
        return keys


def _whole_number(env: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        raise SettingsError(
            expected=f"a whole number of at least {least} in {name}",
            received=repr(text),
            remedy="correct it or unset it",
        )
    return int(text)


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


def _write_owner_only(file: Path, text: str) -> None:
    """Write a new secret so that two processes that start at once end up with the same one."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
