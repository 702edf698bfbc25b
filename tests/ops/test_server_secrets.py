import os
import stat

import pytest

from contracts.errors import SettingsError
from ops.server.secret_files import MAKERS, derived, make_secrets


def contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_secrets_are_made_once_for_their_owner_only(tmp_path):
    folder = tmp_path / "secrets"
    make_secrets(folder, os.getuid())
    first = contents(folder)
    assert set(MAKERS) | set(derived(folder)) <= set(first)
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    make_secrets(folder, os.getuid())
    assert contents(folder) == first


def test_the_key_of_an_embedded_lake_is_kept(tmp_path):
    (tmp_path / "pseudonym.key").write_text("ab" * 32 + "\n")
    (tmp_path / "pseudonym.key").chmod(0o644)
    make_secrets(tmp_path, os.getuid())
    assert (tmp_path / "pseudonym.key").read_text().strip() == "ab" * 32
    assert stat.S_IMODE((tmp_path / "pseudonym.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["airflow_fernet_key", "pseudonym.key", "postgres_password"])
def test_a_secret_that_was_lost_is_named_and_not_made_anew(tmp_path, name):
    make_secrets(tmp_path, os.getuid())
    (tmp_path / name).unlink()
    with pytest.raises(SettingsError, match=f"{name}.*made before; restore it from its backup"):
        make_secrets(tmp_path, os.getuid())
    assert not (tmp_path / name).exists()


def test_a_new_password_reaches_every_address_that_holds_it(tmp_path):
    make_secrets(tmp_path, os.getuid())
    (tmp_path / "airflow_database_password").write_text("rotated\n")
    make_secrets(tmp_path, os.getuid())
    for name in ("airflow_database_uri", "airflow_result_uri"):
        assert "://airflow:rotated@postgres" in (tmp_path / name).read_text()


def test_the_workers_log_in_with_the_account_that_the_server_makes(tmp_path):
    make_secrets(tmp_path, os.getuid())
    lines = (tmp_path / "mlflow_accounts").read_text().splitlines()
    password = next(line.split()[2] for line in lines if line.startswith("pipeline "))
    assert f"mlflow_tracking_password = {password}" in (tmp_path / "mlflow_credentials").read_text()
