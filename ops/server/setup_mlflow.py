"""The accounts of the stack's MLflow: the workers' and one that only reads. Can be run again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def secret(name: str) -> str:
    """The content of a secret that is mounted into this container."""
    return Path("/run/secrets", name).read_text().strip()


def read_accounts(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, role and password of each account in a secret."""
    for line in secret(name).splitlines():
        account, role, password = line.split()
        yield account, role, password


def main() -> None:
    os.environ["MLFLOW_TRACKING_USERNAME"] = "admin"
    os.environ["MLFLOW_TRACKING_PASSWORD"] = secret("mlflow_admin_password")
    from mlflow.exceptions import MlflowException
    from mlflow.server.auth.client import AuthServiceClient

    client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
    for account, _, password in read_accounts("mlflow_accounts"):
        try:
            client.get_user(account)
        except MlflowException:
            client.create_user(account, password)
        else:
            client.update_user_password(account, password)


if __name__ == "__main__":
    main()
