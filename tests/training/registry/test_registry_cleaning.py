"""Which versions of a registry stay, and that of the others nothing is left."""

from __future__ import annotations

import json
import time

import pytest

from contracts.cleaning import ModelsCleaned
from contracts.registry_database import RegistryDatabase
from contracts.settings import Settings
from contracts.verdicts import Verdict, Verdicts
from tests.homes import copied_home
from training.clean import clean
from training.registry.cleaning import expired_runs, versions_that_stay
from training.registry.client import CHALLENGER, CHAMPION, DAY, JUDGED_VERSION, PINNED, PROMOTED, Registry, Version
from training.registry.erasure import Kept

RETENTION = "models: {versions: 2, runs: 30}\n"


def run(
    model: str, number: int, *, synthetic_rows: int = 0, started: int = 0, by_hand: bool = False, **tags: str
) -> Kept:
    """A run whose version has the number of its day."""
    ds = f"2026-11-{number:02}"
    version = Version(model, str(number), f"{model}{number}", {**({} if by_hand else {DAY: ds}), **tags})
    return Kept(version.run_id, model, "rows", ds, synthetic_rows, False, (), (version,), started)


def stay(kept: list[Kept], aliases: dict, needed=frozenset(), *, newest: int | None = 2) -> set[str]:
    found = versions_that_stay(kept, aliases, needed, newest=newest, generator="interest_gan")
    return {f"{model} {number}" for model, number in found}


def test_the_newest_stay_and_whatever_somebody_points_to():
    kept = [run("response", number) for number in range(1, 12)]
    kept[1] = run("response", 2, **{PROMOTED: "2026-11-02T03:00:00+00:00"})
    kept[2] = run("response", 3, **{PROMOTED: "2026-11-03T03:00:00+00:00"})
    kept[3] = run("response", 4, **{PROMOTED: "2026-11-04T03:00:00+00:00"})
    kept[4] = run("response", 5, **{PINNED: "yes"})
    kept[5] = run("response", 6, by_hand=True)
    aliases = {"response": {CHAMPION: "4", CHALLENGER: "11", "canary": "7"}}
    names = {"3": "the champion before", "4": "champion", "5": "pinned", "6": "by hand", "7": "an alias"}
    names |= {"8": "waits for approval", "10": "newest", "11": "newest"}
    found = stay(kept, aliases, {("response", "8"), ("response", "99")})
    assert found == {f"response {number}" for number in names}
    assert len(stay(kept, aliases, newest=None)) == 11


def test_the_weights_that_were_measured_stay_beside_those_that_are_served():
    """Both are promoted on a night; the champion of before is that of another night."""
    moments = [{PROMOTED: f"2026-11-{number:02}T03:00:00+00:00"} for number in range(9)]
    kept = [run("response", number, **moments[number]) for number in range(1, 7)]
    for served, judged in ((2, "1"), (4, "3"), (6, "5")):
        kept[served - 1] = run("response", served, **moments[served], **{JUDGED_VERSION: judged})
    kept += [run("response", number) for number in (7, 8)]
    found = stay(kept, {"response": {CHAMPION: "6"}}, newest=1)
    assert found == {f"response {number}" for number in (3, 4, 5, 6, 8)}


def test_numbers_are_compared_as_numbers():
    assert stay([run("response", number) for number in (2, 9, 10)], {}) == {"response 9", "response 10"}


def test_the_generator_stays_whose_rows_a_version_learned_from():
    """Who is to be forgotten may be known to that version through synthetic rows alone."""
    moments = {number: {PROMOTED: f"2026-11-{number:02}T03:00:00+00:00"} for number in (3, 5, 7)}
    kept = [run("interest_gan", number, **moments.get(number, {})) for number in range(1, 20)]
    kept += [run("response", 6, synthetic_rows=10), run("response", 8, synthetic_rows=10), run("response", 9)]
    aliases = {"interest_gan": {CHAMPION: "7"}, "response": {CHAMPION: "6"}}
    found = stay(kept, aliases, newest=1)
    assert {name for name in found if "gan" in name} == {"interest_gan 5", "interest_gan 7", "interest_gan 19"}


def test_runs_go_with_their_versions_or_after_their_days():
    searches = [Kept(f"s{at}", "response", "", "", 0, False, (), (), at) for at in (5, 15)]
    others = [Kept("o", "somebody's", "", "", 0, False, (), (), 1)]
    kept = [run("response", 1), run("response", 2), *searches, *others]
    found = [one.run_id for one in expired_runs(kept, {("response", "2")}, ["response"], before=10)]
    assert found == ["response1", "s5"]
    found = [one.run_id for one in expired_runs(kept, {("response", "2")}, ["response"], before=None)]
    assert found == ["response1"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A home whose registry has four versions of a model, each with a run and a logged model, and an old search."""
    home = tmp_path_factory.mktemp("registry") / "home"
    home.mkdir()
    (home / "retention.yml").write_text(RETENTION)
    registry = Registry.of(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}))
    client = registry.client
    experiment = client.create_experiment("response", artifact_location=(registry.artifacts / "response").as_uri())
    client.create_registered_model("response")
    (home / "file").write_bytes(bytes(100))
    for number in range(1, 5):
        made = client.create_run(experiment)
        client.log_artifact(made.info.run_id, str(home / "file"))
        logged = client.create_logged_model(experiment, name="response", source_run_id=made.info.run_id)
        client.log_model_artifact(logged.model_id, str(home / "file"))
        client.finalize_logged_model(logged.model_id, "READY")
        client.set_terminated(made.info.run_id)
        version = client.create_model_version("response", logged.artifact_location, made.info.run_id)
        client.set_model_version_tag("response", version.version, DAY, f"2026-11-{number:02}")
    client.set_registered_model_alias("response", CHAMPION, "1")
    search = client.create_run(experiment, start_time=int((time.time() - 40 * 86400) * 1000))
    client.log_artifact(search.info.run_id, str(home / "file"))
    client.set_terminated(search.info.run_id)
    return home


@pytest.fixture
def home(original, tmp_path, monkeypatch):
    home = copied_home(original, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    monkeypatch.setenv("NIGHTSHIFT_RETENTION", str(home / "retention.yml"))
    return home


def files(home) -> int:
    return sum(path.is_file() for path in (home / "artifacts").rglob("*"))


def numbers(registry: Registry) -> list[str]:
    return sorted(str(one.version) for one in registry.client.search_model_versions("name = 'response'"))


def test_of_a_version_that_goes_nothing_is_left_and_the_rest_works(home):
    looked = clean(home / "looked.json", dry_run=True)
    assert [(one.what, one.count, one.bytes) for one in looked.removed] == [("response", 1, 100), ("response", 1, 200)]
    assert files(home) == 9
    done = clean(home / "done.json", dry_run=False)
    assert done.removed == looked.removed
    assert ModelsCleaned.read(home / "done.json") == done
    assert files(home) == 6
    registry = Registry.of(Settings.from_env())
    assert numbers(registry) == ["1", "3", "4"]
    assert registry.aliased("response", CHAMPION).number == "1"
    database = RegistryDatabase.of(registry.uri, registry.artifacts)
    assert (database.broken_versions(), database.runs_without_files(), database.most_versions()) == ([], [], 3)
    assert clean(None, dry_run=False).removed == ()
    made = registry.client.create_model_version("response", "somewhere")
    assert str(made.version) == "5", "the ledger's numbers mean what they meant"


def test_a_verdict_that_waits_and_the_ledgers_champion_keep_their_versions(home):
    line = {"model": "response", "version": "2", "ds": "2026-11-02", "previous_champion": None}
    Verdicts(home / "approvals").record(Verdict(line, page=""))
    assert [one.why for one in clean(None, dry_run=False).removed] == ["without a version, older than 30 days"]
    Verdicts(home / "approvals").forget("response")
    (home / "ledger.jsonl").write_text(json.dumps({"model": "response", "version": 2, "decision": "promoted"}) + "\n")
    assert clean(None, dry_run=False).removed == ()
    lines = [("2", "put back"), ("1", "promoted")]  # a person went back to 2, and later the gate replaced it
    (home / "ledger.jsonl").write_text(
        "".join(json.dumps({"model": "response", "version": one, "decision": word}) + "\n" for one, word in lines)
    )
    assert clean(None, dry_run=False).removed == ()
    (home / "ledger.jsonl").unlink()
    assert [one.count for one in clean(None, dry_run=False).removed] == [1]


def test_what_was_cut_off_is_ended_by_the_next(home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.delete_model_version", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            clean(None, dry_run=False)
    registry = Registry.of(Settings.from_env())
    assert numbers(registry) == ["1", "2", "3", "4"]
    assert [(one.count, one.bytes) for one in clean(None, dry_run=False).removed] == [(1, 0), (1, 0)]
    assert numbers(registry) == ["1", "3", "4"]
    assert files(home) == 6


@pytest.mark.usefixtures("home")
def test_an_experiment_in_the_trash_is_not_deleted_for_good():
    registry = Registry.of(Settings.from_env())
    number = registry.client.create_experiment("mine")
    registry.client.delete_experiment(number)
    clean(None, dry_run=False)
    assert numbers(registry) == ["1", "3", "4"]
    assert registry.client.get_experiment(number).lifecycle_stage == "deleted"


@pytest.mark.usefixtures("home")
def test_a_file_that_cannot_be_removed_is_a_sentence_and_the_rest_goes(monkeypatch):
    def refusing(*_):
        raise PermissionError(13, "Permission denied", "file")

    with monkeypatch.context() as patch:
        patch.setattr("training.registry.cleaning.delete_logged", refusing)
        cleaned = clean(None, dry_run=False)
    assert cleaned.removed == ()
    assert len(cleaned.failed) == 2
    assert cleaned.failed[1].startswith("models response 20")
    assert cleaned.failed[1].endswith(" stays: Permission denied")
    assert [one.count for one in clean(None, dry_run=False).removed] == [1, 1]
