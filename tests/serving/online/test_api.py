"""The API: who gets what, what is taken in, and that no request is an error of ours."""

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from contracts.settings import Settings
from contracts.tombstones import Tombstones
from serving.online.app import app_of
from serving.online.callers import callers_file
from serving.online.guard import MOST_BYTES
from serving.online.service import Service
from serving.store import build_store
from tests.training.markov_town import DS, item, person, sequence_rows


def look(service):
    service.take_over(*service.looked())


def history_of(number):
    return next(row["item_ids"] for row in sequence_rows(120) if row["person_id"] == person(number))


def items_of(answer):
    return [one["item_id"] for one in answer.json()["items"]]


def test_a_shop_asks_with_its_own_account_id(client):
    answer = client.get("/recommendations/acc-2")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["night"], found["spoke"], found["model_version"]) == (DS, "sequence", "next_item/2")
    assert found["experiments"] == {"letter": "holdout"}
    assert [one["rank"] for one in found["items"]] == list(range(1, 11))
    assert not set(items_of(answer)) & set(history_of(2))
    assert items_of(client.get("/recommendations/%20ACC-2%20?count=3")) == items_of(answer)[:3]
    assert items_of(client.get(f"/recommendations/{person(2)}?kind=person")) == items_of(answer)


def test_a_pseudonym_is_taken_as_it_is(client, service):
    from contracts.pseudonyms import pseudonym

    name = pseudonym(service._keys, "account", "acc-2")
    assert items_of(client.get(f"/recommendations/{name}?kind=pseudonym")) == items_of(
        client.get("/recommendations/acc-2")
    )
    # the same text as an account is somebody else, who is not known
    assert client.get(f"/recommendations/{name}").json()["passed"]["sequence"] == "not_known"


@pytest.mark.parametrize("person_named", ["nobody", "😀", "a%2Fb", "x" * 10_000, "%00", "null", "acc-6"])
def test_who_is_not_known_or_did_not_agree_gets_what_is_popular(client, person_named):
    answer = client.get(f"/recommendations/{person_named}")
    assert answer.status_code == 200
    assert (answer.json()["spoke"], answer.json()["model_version"]) == ("popularity", "popularity")
    assert items_of(answer) == [item(number) for number in range(10)]  # of equally many people, by id
    expected = "no_consent" if person_named == "acc-6" else "not_known"
    assert answer.json()["passed"]["sequence"] == expected


def test_a_session_is_ranked_live_with_what_is_known_of_the_person(client):
    acts = [{"item_id": item(14)}, {"item_id": item(15), "action": "purchase"}]
    answer = client.post("/recommendations", json={"person": "acc-1", "acts": acts})
    assert answer.json()["spoke"] == "session"
    assert not set(items_of(answer)) & {*history_of(1), item(14), item(15)}
    assert answer.json()["items"][0]["item_id"] == item(16)  # on the ring of items 16 follows 15
    assert answer.json()["items"][0]["reason"] == "because you bought Shoe 15"


def test_a_stranger_has_to_have_agreed(client):
    acts = [{"item_id": item(5)}]
    without = client.post("/recommendations", json={"acts": acts}).json()
    assert (without["spoke"], without["passed"]["session"]) == ("popularity", "no_consent")
    agreed = client.post("/recommendations", json={"acts": acts, "agreed": True}).json()
    assert (agreed["spoke"], agreed["items"][0]["item_id"]) == ("session", item(6))
    # what a page says undoes no refusal that the night knows
    refusing = client.post("/recommendations", json={"person": "acc-6", "acts": acts, "agreed": True}).json()
    assert (refusing["spoke"], refusing["passed"]["session"]) == ("popularity", "no_consent")


def test_unknown_items_of_a_session_are_counted_and_the_night_speaks(client):
    acts = [{"item_id": name} for name in ("no such", "a/b", "😀", "x" * 1000)]
    answer = client.post("/recommendations", json={"person": "acc-1", "acts": acts})
    found = answer.json()
    assert (found["spoke"], found["unknown_items"], found["passed"]["session"]) == ("sequence", 4, "no_known_item")
    assert items_of(answer) == items_of(client.get("/recommendations/acc-1"))


def test_an_act_is_counted_is_in_the_session_and_in_tonights_delivery(client, home):
    before = client.get("/recommendations/acc-1").json()
    taken = client.post("/events", json={"person": "acc-1", "action": "cart", "item_id": item(15), "value": 3})
    assert taken.status_code == 202
    after = client.get("/recommendations/acc-1").json()
    assert (before["spoke"], after["spoke"], after["items"][0]["item_id"]) == ("sequence", "session", item(16))
    assert items_of(client.get("/recommendations/acc-2")) == items_of(client.get("/recommendations/acc-2"))
    [file] = (home / "raw" / "online_events" / f"ds={taken.json()['day']}").glob("acts-*.jsonl")
    [line] = file.read_text().splitlines()
    assert {name: json.loads(line)[name] for name in ("event_id", "account", "action", "item_id", "value")} == {
        "event_id": taken.json()["event_id"],
        "account": "acc-1",
        "action": "cart",
        "item_id": item(15),
        "value": 3,
    }
    assert 'nightshift_online_acts_total{action="cart"} 1.0' in client.get("/metrics").text


def test_lines_that_come_while_an_erasure_rewrites_files_are_not_lost(client, service, home):
    from contracts.lake import Lake

    def send(item_id):
        return client.post("/events", json={"person": "acc-1", "action": "view", "item_id": item_id}).json()["day"]

    folder = home / "raw" / "online_events" / f"ds={send('one')}"
    [first] = folder.iterdir()
    with Lake(home / "lake").alone():
        before = first.read_text()
        send("two")
        first.with_name(".draft").write_text(before.replace("acc-1", "erased"))
        first.with_name(".draft").rename(first)
        send("three")
    send("four")
    service.close()
    lines = [json.loads(line) for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    assert [line["item_id"] for line in lines] == ["one", "two", "three", "four"]
    assert [line["account"] for line in lines] == ["erased", "acc-1", "acc-1", "acc-1"]


def test_a_withdrawal_holds_from_the_next_request_on_for_all_identifiers_and_after_a_new_start(client, service):
    assert client.get("/recommendations/second of 1").json()["spoke"] == "sequence"
    client.post("/events", json={"person": "acc-1", "action": "view", "item_id": item(15)})
    assert client.post("/consents", json={"person": "acc-1", "granted": False}).status_code == 202

    def spoken(one):
        answers = [one.get(f"/recommendations/{name}").json() for name in ("acc-1", "second of 1", "acc-2")]
        return [(answer["spoke"], answer["passed"].get("sequence")) for answer in answers]

    refused = [("popularity", "no_consent"), ("popularity", "no_consent"), ("sequence", None)]
    assert spoken(client) == refused
    look(service)
    assert spoken(client) == refused
    # a grant counts from the next night on
    client.post("/consents", json={"person": "acc-1", "granted": True})
    assert spoken(client) == refused
    build_store(DS)  # which has not mapped the withdrawal
    look(service)
    assert spoken(client) == refused
    service.close()
    again = Service(service.settings)
    assert spoken(TestClient(app_of(again), headers={"X-API-Key": client.headers["X-API-Key"]})) == refused
    again.close()


def test_a_withdrawal_from_profiling_takes_the_segment_away(client):
    first = client.get("/recommendations/newcomer?category=music")
    assert first.status_code == 200
    client.post("/consents", json={"person": "acc-1", "granted": False, "purposes": ["profiling"]})
    found = client.get("/recommendations/acc-1").json()
    assert (found["spoke"], found["passed"]["segment"]) == ("sequence", "no_segment")


def test_withdrawals_of_other_sources_requests_and_tombstones_hold(client, service, home):
    import pandas as pd

    from contracts.lake import Lake
    from tests.training.markov_town import publish

    persons = pd.read_parquet(Lake(home / "lake").partition("persons", DS)).set_index("person_id")["identifier"]
    row = {"consent_id": "0" * 32, "source": "esp_events", "identifier": persons[person(3)], "granted": False}
    publish(home, "consents", [row | {"purpose": "personalisation", "occurred_at": pd.Timestamp(DS, tz="UTC")}])
    waiting = home / "erasures" / "waiting" / "0123456789ab.json"
    waiting.parent.mkdir(parents=True)
    waiting.write_text(json.dumps({"id": "0123456789ab", "subject": "account:acc-4", "made": "now"}))
    Tombstones.of(service.settings.home).add(service._keys, [persons[person(5)]])
    look(service)
    for number, speaker in ((2, "sequence"), (3, "popularity"), (4, "popularity"), (5, "popularity")):
        assert client.get(f"/recommendations/acc-{number}").json()["spoke"] == speaker, number


def test_similar_items_and_why(client):
    similar = client.get(f"/items/{item(3)}/similar?count=4").json()
    assert [one["item_id"] for one in similar["items"]] == [item(1), item(5), item(7), item(9)]  # of the category
    first = client.get("/recommendations/acc-2").json()["items"][1]
    why = client.get(f"/people/acc-2/why/{first['item_id']}").json()
    assert (why["recommended"], why["rank"], why["reason"]) == (True, 2, first["reason"])
    seen = client.get(f"/people/acc-2/why/{history_of(2)[0]}").json()
    assert (seen["recommended"], seen["acted_on"]) == (False, True)


@pytest.mark.parametrize("item_id", ["a%2Fb", "%F0%9F%98%80", "x" * 10_000, "%FF", "a/b", "similar", "%2Fsimilar"])
def test_an_item_that_is_not_known_is_404(client, item_id):
    for path in (f"/items/{item_id}/similar", f"/people/acc-2/why/{item_id}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("expected an item of the night of 2026-11-20")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"acts": [{"item_id": NaN}]}', 400),
        ('{"acts": "no list"}', 422),
        ('{"acts": [{"item_id": 5}]}', 422),
        ('{"acts": [], "count": 0}', 422),
        ('{"acts": [], "more": 1}', 422),
        ("[" * 100_000, 400),
        ('{"acts": ["\\ud800"]}', 400),
        ("null", 422),
        (json.dumps({"acts": [{"item_id": "i01"}] * 201}), 422),
        (json.dumps({"acts": [{"item_id": "i01"}] * 10_000}), 422),
        (b"\xff\xfe", 400),
    ],
)
def test_a_body_that_does_not_fit_is_said_so(client, body, status):
    answer = client.post("/recommendations", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["error"].startswith("expected ")


@pytest.mark.parametrize(
    "act",
    [
        {"person": "a", "action": "view"},
        {"person": "a", "action": "dance", "item_id": "i01"},
        {"person": "", "action": "visit"},
        {"person": "a", "action": "visit", "occurred_at": "2031-01-01T00:00:00Z"},
        {"person": "a", "action": "visit", "occurred_at": "1970-01-01T00:00:00Z"},
        {"person": "a", "action": "visit", "occurred_at": "yesterday"},
        {"person": "a", "action": "purchase", "item_id": "i01", "value": "NaN"},
        {"person": "a", "action": "purchase", "item_id": "i01", "value": -1},
        {"person": "p0", "kind": "person", "action": "visit"},
    ],
)
def test_an_act_that_cannot_be_is_not_written_down(client, home, act):
    answer = client.post("/events", json=act)
    assert answer.status_code == 422
    assert not list(home.glob("raw/online_events/*/*"))


def test_a_large_body_is_not_read(client):
    def pieces():
        for _ in range(100):
            yield b" " * 1_000_000

    assert client.post("/recommendations", content=pieces()).status_code == 413
    assert client.post("/recommendations", content=b" " * (MOST_BYTES + 1)).status_code == 413


def test_strangers_and_floods_are_kept_out(client, service):
    for headers in ({"X-API-Key": "wrong"}, {"X-API-Key": ""}, {b"X-API-Key": "é".encode()}):
        answer = client.get("/recommendations/acc-1", headers=headers)
        assert answer.status_code == 401
        assert "items" not in answer.json()
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert client.get(path, headers={"X-API-Key": "wrong"}).status_code == 200
    callers = callers_file(service.settings.home)
    content = json.loads(callers.read_text())
    content["slow"] = {"key": "k" * 20, "requests_per_second": 1}
    callers.write_text(json.dumps(content))
    service.callers.read_again()
    slow = [client.get("/metrics", headers={"X-API-Key": "k" * 20}).status_code for _ in range(4)]
    assert slow == [200, 200, 429, 429]
    assert client.get("/metrics").status_code == 200
    bearer = {"X-API-Key": "", "Authorization": f"Bearer {content['shop']['key']}"}
    assert client.get("/metrics", headers=bearer).status_code == 200


def test_a_new_store_is_taken_over_a_broken_one_is_not_and_a_removed_one_is_let_go(client, service, home):
    first = client.get("/readyz").json()["store"]
    name = build_store(DS)
    look(service)
    assert client.get("/readyz").json()["store"] == name != first
    name = build_store(DS)
    file = home / "online" / "stores" / name / "items.lmdb"
    file.write_bytes(file.read_bytes()[:-4096])
    before = client.get("/readyz").json()["store"]
    look(service)
    ready = client.get("/readyz").json()
    assert (ready["ready"], ready["store"]) == (True, before)
    assert "half copied or was changed" in ready["alert"]
    assert client.get("/recommendations/acc-1").json()["spoke"] == "sequence"
    shutil.rmtree(home / "online" / "stores")
    look(service)
    assert client.get("/readyz").status_code == 503
    answer = client.get("/recommendations/acc-1")
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("expected a store of a night, but received none")


def test_a_disk_that_is_full_is_said_so(client, monkeypatch):
    monkeypatch.setattr("os.write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    answer = client.post("/events", json={"person": "a", "action": "visit"})
    assert answer.status_code == 503


def test_the_page_explains_every_route_and_asks_nothing_of_others(client):
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path.split("{")[0] in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_it_looks_by_itself_while_it_runs(service, home, client):
    import time

    with TestClient(app_of(service), headers={"X-API-Key": client.headers["X-API-Key"]}) as running:
        name = build_store(DS)
        for _ in range(100):
            if running.get("/readyz").json()["store"] == name:
                break
            time.sleep(0.05)
        assert running.get("/readyz").json()["store"] == name
    assert Path(Settings.from_env().home.root) == home
