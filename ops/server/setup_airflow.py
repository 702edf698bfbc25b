"""What the stack's Airflow needs before it starts: databases, tables, roles, accounts, pool. Can be run again."""

from __future__ import annotations

import argparse
import subprocess

import psycopg2
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.providers.fab.auth_manager.security_manager.override import FabAirflowSecurityManagerOverride as Builtin
from airflow.providers.fab.www.security import permissions
from psycopg2 import sql

from contracts.settings import Settings
from ops.server.setup_mlflow import read_accounts, secret

DATABASES = ("airflow", "mlflow")
"""Each with a role of the same name that owns it; no role may connect to another's."""

_ANSWER = (permissions.ACTION_CAN_EDIT, permissions.RESOURCE_HITL_DETAIL)
_CHANGE = (permissions.ACTION_CAN_EDIT, permissions.resource_name("train_models", permissions.RESOURCE_DAG))
"""Airflow asks for it before it takes an answer; it also lets an approver pause that DAG, and trigger nothing."""

ROLES = {
    "Operator": [one for one in Builtin.VIEWER_PERMISSIONS + Builtin.USER_PERMISSIONS if one != _ANSWER],
    "Approver": [*Builtin.VIEWER_PERMISSIONS, _ANSWER, _CHANGE],
}
"""Roles beside Airflow's own: who runs the pipeline does not approve what it promotes, and the other way round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu-slots", required=True, help="how many models are trained at a time")
    options = parser.parse_args()
    make_databases()
    subprocess.run(["airflow", "db", "migrate"], check=True)
    make_accounts()
    subprocess.run(
        ["airflow", "pools", "set", "gpu", options.gpu_slots, "training, one at a time a GPU worker"], check=True
    )
    home = Settings.from_env().home
    for folder in (home.lineage, home.spark_events, home.tensorboard):
        folder.mkdir(parents=True, exist_ok=True)


def make_databases() -> None:
    """A role and a database each; passwords are set again, so that a changed secret is enough to rotate one."""
    connection = psycopg2.connect(host="postgres", user="postgres", password=secret("postgres_password"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name in DATABASES:
            role = sql.Identifier(name)
            cursor.execute("select from pg_roles where rolname = %s", [name])
            if not cursor.rowcount:
                cursor.execute(sql.SQL("create role {} login").format(role))
            password = secret(f"{name}_database_password")
            cursor.execute(sql.SQL("alter role {} password %s").format(role), [password])
            cursor.execute("select from pg_database where datname = %s", [name])
            if not cursor.rowcount:
                cursor.execute(sql.SQL("create database {} owner {}").format(role, role))
            cursor.execute(sql.SQL("revoke connect on database {} from public").format(role))
    connection.close()


def make_accounts() -> None:
    """Roles with their permissions, and an account each as the secret `airflow_accounts` lists them."""
    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        manager.bulk_sync_roles([{"role": role, "perms": allowed} for role, allowed in ROLES.items()])
        for name, role, password in read_accounts("airflow_accounts"):
            account = manager.find_user(username=name)
            if account is None:
                mail = f"{name}@nightshift.invalid"
                manager.add_user(name, name, "Nightshift", mail, manager.find_role(role), password=password)
            else:
                manager.reset_password(account.id, password)


if __name__ == "__main__":
    main()
