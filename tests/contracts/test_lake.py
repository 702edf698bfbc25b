"""How a partition is published: whole, atomically, the owner's files only, and one job at a time."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
import time

import pytest

from contracts.errors import BusyError, LakeError
from contracts.lake import Lake

DAY = "2026-11-19"


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def publish(lake: Lake, files: dict[str, str], *, owner: str | None = None, day: str = DAY, table: str = "events"):
    staging = lake.staging("test")
    for name, content in files.items():
        (staging / name).write_text(content)
    lake.publish(table, day, {name: staging / name for name in files}, owner=owner)


def content(lake: Lake, *, day: str = DAY) -> dict[str, str]:
    return {file.name: file.read_text() for file in lake.files("events", day)}


def test_a_partition_is_a_relative_link_to_what_was_published(lake, tmp_path):
    publish(lake, {"a.txt": "1", "b.txt": "2"})
    link = lake.root / "events" / f"ds={DAY}"
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert content(lake) == {"a.txt": "1", "b.txt": "2"}
    moved = Lake(tmp_path / "elsewhere")
    lake.root.rename(moved.root)
    assert content(moved) == {"a.txt": "1", "b.txt": "2"}, "the lake can be moved"


def test_publishing_again_replaces_the_whole_partition(lake):
    publish(lake, {"a.txt": "1", "b.txt": "2"})
    publish(lake, {"a.txt": "3"})
    assert content(lake) == {"a.txt": "3"}


def test_a_withdrawn_partition_leaves_nothing_behind_and_other_days_alone(lake):
    publish(lake, {"a.txt": "1"})
    publish(lake, {"a.txt": "2"})
    publish(lake, {"a.txt": "3"}, day="2026-11-20")
    lake.withdraw("events", DAY)
    assert lake.days("events") == ["2026-11-20"]
    assert [folder.name for folder in (lake.root / ".runs" / "events").iterdir()] == ["2026-11-20"]
    lake.withdraw("events", DAY)
    assert content(lake, day="2026-11-20") == {"a.txt": "3"}


def test_an_owner_replaces_its_own_files_alone(lake):
    publish(lake, {"web-0.txt": "1", "web-1.txt": "2"}, owner="web")
    publish(lake, {"web2-0.txt": "other"}, owner="web2")
    publish(lake, {"web-0.txt": "3"}, owner="web")
    assert content(lake) == {"web-0.txt": "3", "web2-0.txt": "other"}
    assert [file.name for file in lake.files("events", DAY, owner="web")] == ["web-0.txt"]


def test_an_owner_with_nothing_left_leaves_the_others_and_the_last_one_closes_the_partition(lake):
    publish(lake, {"web-0.txt": "1"}, owner="web")
    publish(lake, {"mail-0.txt": "2"}, owner="mail")
    publish(lake, {}, owner="web")
    assert content(lake) == {"mail-0.txt": "2"}
    publish(lake, {}, owner="mail")
    assert lake.days("events") == []
    assert lake.files("events", DAY) == []


def test_a_reader_of_the_folder_before_can_finish_and_older_ones_are_removed(lake):
    publish(lake, {"a.txt": "1"})
    reader = lake.partition("events", DAY).resolve()
    publish(lake, {"a.txt": "2"})
    assert (reader / "a.txt").read_text() == "1"
    publish(lake, {"a.txt": "3"})
    assert not reader.exists()
    assert len(list((lake.root / ".runs" / "events" / DAY).iterdir())) == 2


def test_that_holds_in_a_lake_behind_a_link_too(lake, tmp_path):
    lake.root.mkdir()
    (tmp_path / "link").symlink_to(lake.root)
    linked = Lake(tmp_path / "link")
    publish(linked, {"a.txt": "1"})
    reader = linked.partition("events", DAY).resolve()
    publish(linked, {"a.txt": "2"})
    assert (reader / "a.txt").read_text() == "1"


def test_a_reader_never_sees_a_mixture_or_nothing(lake):
    """A reader lists and reads while the partition is replaced 200 times; every version has three files of its own.

    Only the folder published before is kept for readers, so the writer lets no reading be overtaken twice.
    """

    def version(number: int) -> dict[str, str]:
        return {f"{number:03d}-{part}.txt": str(number) for part in "abc"}

    publish(lake, version(0))
    readings: list[dict[str, str]] = []
    failed: list[OSError] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set() and not failed:
            try:
                folder = lake.partition("events", DAY).resolve()
                readings.append({file.name: file.read_text() for file in folder.iterdir()})
            except OSError as error:
                failed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 200):
        publish(lake, version(number))
        so_far = len(readings)
        while len(readings) == so_far and not failed:
            time.sleep(0)
    done.set()
    reader.join()
    assert failed == []
    assert all(reading in map(version, range(200)) for reading in readings)
    assert len({min(reading) for reading in readings}) > 100, "the reader read while it was published"


def test_days_are_sorted_and_can_be_cut(lake):
    for day in ("2026-11-19", "2026-10-02", "2026-11-20"):
        publish(lake, {"a.txt": day}, day=day)
    assert lake.days("events") == ["2026-10-02", "2026-11-19", "2026-11-20"]
    assert lake.days("events", until="2026-11-19") == ["2026-10-02", "2026-11-19"]
    assert lake.days("nothing") == []


def test_requiring_what_is_not_there_names_what_is_and_the_command(lake):
    with pytest.raises(LakeError, match="no day of it; run `make it` first"):
        lake.require("events", DAY, made_by="make it")
    publish(lake, {"a.txt": "1"}, day="2026-11-01")
    with pytest.raises(LakeError, match="only the days 2026-11-01 to 2026-11-01"):
        lake.require("events", DAY, made_by="make it")
    assert lake.require("events", "2026-11-01", made_by="make it") == lake.partition("events", "2026-11-01")


def test_the_digest_covers_names_and_bytes_and_nothing_else(lake):
    publish(lake, {"b.txt": "2", "a.txt": "1"})
    one, two = hashlib.sha256(b"1").hexdigest(), hashlib.sha256(b"2").hexdigest()
    assert lake.digest("events", DAY) == hashlib.sha256(f"a.txt\0{one}\nb.txt\0{two}\n".encode()).hexdigest()
    before = lake.digest("events", DAY)
    publish(lake, {"a.txt": "1", "b.txt": "2"})
    assert lake.digest("events", DAY) == before
    publish(lake, {"a.txt": "1", "c.txt": "2"})
    assert lake.digest("events", DAY) != before


def test_staging_is_new_and_empty_each_time_and_no_partition(lake):
    folder = lake.staging("map-web")
    (folder / "left.txt").write_text("by a killed job")
    later = lake.staging("map-web")
    assert later != folder, "what the killed job may still write does not come among the files of the next one"
    assert not folder.exists()
    assert list(later.iterdir()) == []
    assert not any(path.name.startswith("ds=") for path in lake.root.rglob("*"))


def test_a_partition_without_files_disappears_and_leaves_no_folder_of_a_run(lake):
    lake.publish("events", DAY, {})
    assert lake.days("events") == []
    publish(lake, {"a.txt": "1"})
    lake.publish("events", DAY, {})
    assert lake.days("events") == []
    assert len(list((lake.root / ".runs" / "events" / DAY).iterdir())) == 1, "the one before, for its readers"


def test_what_a_killed_publish_leaves_is_neither_seen_nor_kept(lake):
    publish(lake, {"a.txt": "1"})
    left = lake.root / ".runs" / "events" / DAY / "20200101T000000000000"
    left.mkdir()
    (left / "half.txt").write_text("half")
    (lake.root / "events" / f".ds={DAY}").symlink_to("../nowhere")
    assert lake.days("events") == [DAY]
    assert content(lake) == {"a.txt": "1"}
    publish(lake, {"a.txt": "2"})
    assert content(lake) == {"a.txt": "2"}
    assert not left.exists()


def _hold(root, name: str, held) -> None:
    with Lake(root).lock(name):
        held.set()
        time.sleep(60)


@pytest.fixture
def holder(lake):
    """Another process that holds the lock `map-web`, as a killed job would have."""
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=_hold, args=(lake.root, "map-web", held))
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def test_a_held_lock_refuses_and_names_the_holder_and_is_free_after_kill_9(lake, holder):
    with pytest.raises(BusyError) as error, lake.lock("map-web"):
        pytest.fail("two hold one lock")
    assert f"process {holder.pid} since 20" in str(error.value)
    assert "'map-web'" in str(error.value)
    assert error.value.exit_code == 75
    with lake.lock("map-mail"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(10)
    with lake.lock("map-web"):
        pass


def test_a_lock_waits_for_the_seconds_asked_for(lake):
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with lake.lock("job"):
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    started = time.monotonic()
    with pytest.raises(BusyError), lake.lock("job", wait_seconds=0.3):
        pass
    assert 0.3 <= time.monotonic() - started < 5
    threading.Timer(0.3, leave.set).start()
    with lake.lock("job", wait_seconds=10):
        pass
    thread.join()


def test_a_lock_is_free_after_an_error_inside(lake):
    with pytest.raises(ValueError, match="inside"), lake.lock("job"):
        raise ValueError("inside")
    with lake.lock("job"):
        pass


def _hold_a_step(root, held) -> None:
    with Lake(root).among_others():
        held.set()
        time.sleep(60)


def test_steps_share_the_lake_and_an_erasure_has_it_alone(lake):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    step = context.Process(target=_hold_a_step, args=(lake.root, held))
    step.start()
    assert held.wait(30)
    with lake.among_others(wait_seconds=0):
        pass
    with (
        pytest.raises(BusyError, match=r"expected no step of a night at work on .* nothing was changed") as error,
        lake.alone(0.2),
    ):
        pytest.fail("an erasure began beside a step")
    assert error.value.exit_code == 75
    threading.Timer(0.3, step.kill).start()
    with lake.alone(30), pytest.raises(BusyError), lake.among_others(wait_seconds=0):
        pytest.fail("a step began beside an erasure")
    step.join()
    with lake.among_others(wait_seconds=0):
        pass


def test_an_expired_partition_is_gone_and_still_known(lake):
    publish(lake, {"a.txt": "1"})
    publish(lake, {"a.txt": "22"}, day="2026-11-20")
    before = lake.history("events")
    lake.expire("events", DAY, noted=True)
    assert lake.days("events") == ["2026-11-20"]
    assert not (lake.root / ".runs" / "events" / DAY).exists()
    assert lake.history("events") == before, "a day that has lived its span was not changed"
    assert [*lake.history("events", until=DAY)] == [DAY]
    lake.expire("events", DAY, noted=True)
    assert lake.history("events") == before
    publish(lake, {"a.txt": "1"})
    assert lake.history("events")[DAY] != before[DAY], "it was mapped again"
    lake.expire("events", "2026-11-20", noted=False)
    assert [*lake.history("events")] == [DAY]
    assert lake.history("answers") == {}


def test_an_expiry_that_was_killed_is_ended_by_the_next(lake, monkeypatch):
    publish(lake, {"a.txt": "1"})

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("contracts.lake.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.expire("events", DAY, noted=True)
    assert lake.days("events") == [], "for readers it is gone before its files go"
    assert len(list((lake.root / ".runs" / "events" / DAY).iterdir())) == 1
    with (lake.root / ".expired" / "events.jsonl").open("a") as stream:
        stream.write('{"ds": "2026')  # of a kill amid the note
    lake.expire("events", DAY, noted=True)
    assert not (lake.root / ".runs" / "events" / DAY).exists()
    assert [*lake.history("events")] == [DAY]
