"""Backup and restore as docs/deploy.md says, on an emptied server; and passwords that were changed."""

import re
import secrets

import pytest

from contracts.settings import REPOSITORY
from tests.compose.running import docker, shell
from tests.compose.test_faults import lake_of


@pytest.fixture(scope="module")
def commands():
    """The blocks of commands below the heading of docs/deploy.md."""
    page = (REPOSITORY / "docs" / "deploy.md").read_text()
    chapter = re.search(r"## Backup, restore, upgrade\n(.*?)\n## ", page, re.DOTALL)[1]
    return re.findall(r"```\n(.*?)```", chapter, re.DOTALL)


@pytest.fixture
def own_stack(pytestconfig, stack, night):  # noqa: ARG001
    if pytestconfig.getoption("--stack"):
        pytest.skip("volumes are emptied: only on a stack that the tests have started")
    stack.wait_for_run("activate_audiences", seconds=900)  # of a training that another test began
    return stack


def content(stack):
    """Something of each thing that a backup holds."""
    models = stack.mlflow("viewer", "/registered-models/search")["registered_models"]
    # the server's database gives a model's aliases in no order
    champions = {model["name"]: sorted(model.get("aliases", []), key=lambda one: one["alias"]) for model in models}
    assert any(champions.values())
    return {"lake": lake_of(stack), "champions": champions, "run": stack.latest_run("activate_audiences")}


def test_a_restored_stack_is_the_one_that_was_backed_up(own_stack, commands, tmp_path):
    stack = own_stack
    backup, restore = (text.replace("nightshift_", f"{stack.project}_") for text in commands)
    before = content(stack)
    (tmp_path / "var").symlink_to(stack.home)
    (tmp_path / "backup").mkdir()
    shell(backup, tmp_path)
    stack.make("down")
    docker("volume", "rm", *stack.volumes())
    stack.make("up", "BUILD=no")
    stack.make("down")
    shell(restore, tmp_path)
    stack.make("up", "BUILD=no")
    assert content(stack) == before


def test_a_changed_password_holds_after_the_next_start(own_stack):
    stack = own_stack
    file = stack.home / "secrets" / "airflow_accounts"
    old = stack.password("airflow_accounts", "viewer")
    file.write_text(file.read_text().replace(old, secrets.token_urlsafe(18)))
    (stack.home / "secrets" / "airflow_database_password").write_text(secrets.token_urlsafe(24))
    stack.make("down")
    stack.make("up", "BUILD=no")
    assert stack.airflow("viewer", "/dags")[0] == 200
    body = {"username": "viewer", "password": old}
    assert stack.ask("/airflow/auth/token", method="POST", body=body)[0] == 401
    assert stack.latest_run("activate_audiences")["state"] == "success"
