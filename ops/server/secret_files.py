"""The secrets of a stack: made once, each in a file for its owner only, mounted into the containers that need them."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.errors import SettingsError
from contracts.private_files import write_private

AIRFLOW_ACCOUNTS = {"admin": "Admin", "operator": "Operator", "approver": "Approver", "viewer": "Viewer"}
"""Account to role: `Operator` triggers runs, `Approver` answers what `approval: ask` asks, `Viewer` looks."""

MLFLOW_ACCOUNTS = {"pipeline": "MANAGE", "viewer": "READ"}
"""Account to what it may do with experiments and models; the administrator is made by the server itself."""

MADE = ".made"
"""Stands in the folder once all were made: what is missing after that was lost."""


def _password() -> str:
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _accounts(names: Mapping[str, str]) -> str:
    return "\n".join(f"{name} {role} {_password()}" for name, role in names.items())


MAKERS: Mapping[str, Callable[[], str]] = {
    "postgres_password": _password,
    "airflow_database_password": _password,
    "mlflow_database_password": _password,
    "redis_password": _password,
    "airflow_fernet_key": _fernet_key,
    "airflow_jwt_secret": _password,
    "airflow_session_key": _password,
    "airflow_accounts": lambda: _accounts(AIRFLOW_ACCOUNTS),
    "mlflow_admin_password": _password,
    "mlflow_session_key": _password,
    "mlflow_accounts": lambda: _accounts(MLFLOW_ACCOUNTS),
    "pseudonym.key": lambda: secrets.token_hex(32),
}


def make_secrets(folder: Path, owner: int) -> None:
    """Make what was never made, and write again the files that follow from others (addresses with passwords).

    Args:
        owner: user id under which the containers run; only root can give files to another.

    Raises:
        SettingsError: a secret was made before and is gone.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    missing = [name for name in MAKERS if not (folder / name).exists()]
    if missing and (folder / MADE).exists():
        raise SettingsError(
            expected=f"the secret {folder / missing[0]}",
            received="no such file, though it was made before",
            remedy=f"restore it from its backup; if it is meant to be new, remove {folder / MADE} (docs/deploy.md)",
        )
    for name in missing:
        write_secret(folder / name, MAKERS[name](), owner)
    for name, text in derived(folder).items():
        write_secret(folder / name, text, owner)
    write_secret(folder / MADE, "", owner)
    for file in (folder, *folder.iterdir()):  # an embedded run's key and an operator's certificate, too
        file.chmod(0o700 if file == folder else 0o600)
        if os.getuid() == 0:
            os.chown(file, owner, -1)


def derived(folder: Path) -> dict[str, str]:
    """Files that follow from others: addresses that hold a password, and the workers' MLflow account."""
    values = {name: (folder / name).read_text().strip() for name in MAKERS}
    database = "://airflow:{airflow_database_password}@postgres:5432/airflow".format(**values)
    _, _, password = next(
        line for line in values["mlflow_accounts"].splitlines() if line.startswith("pipeline ")
    ).split()
    return {
        "airflow_database_uri": f"postgresql+psycopg2{database}",
        "airflow_result_uri": f"db+postgresql+psycopg2{database}",
        "airflow_broker_uri": "redis://:{redis_password}@redis:6379/0".format(**values),
        "mlflow_database_uri": "postgresql+psycopg2://mlflow:{mlflow_database_password}@postgres:5432/mlflow".format(
            **values
        ),
        "mlflow_credentials": (f"[mlflow]\nmlflow_tracking_username = pipeline\nmlflow_tracking_password = {password}"),
    }


def write_secret(file: Path, text: str, owner: int) -> None:
    """Write a file that only its owner can read; one that already says so is left as it is.

    No line end is added: Airflow takes a file as it is.
    """
    if file.exists() and file.read_text() == text:
        return
    write_private(file, text, owner=owner if os.getuid() == 0 else None)
