"""A request on disk: nobody is left in it when it has ended, or when a dry run of it was killed."""

from __future__ import annotations

import stat

import pytest

from contracts.erasure import DRY_RUN, ENFORCE, OpenRequest, Subject
from privacy.request import Change, Request, discard_interrupted, draft_of, sha256

ANNA = Subject("account:0a", ("account:0a",), ("pa",), ("2026-11-19",), {"anna_berg01": "account"})


def begun(erasures, mode: str) -> Request:
    request = Request.new(erasures)
    request.begin(OpenRequest(mode, ANNA, ("r1",)))
    return request


def test_what_was_begun_is_read_again_and_is_the_owners_alone(tmp_path):
    request = begun(tmp_path, ENFORCE)
    assert request.read() == OpenRequest(ENFORCE, ANNA, ("r1",))
    assert stat.S_IMODE((request.folder / "subject.json").stat().st_mode) == 0o600
    assert [one.id for one in Request.unfinished(tmp_path)] == [request.id]
    request.end()
    assert Request.unfinished(tmp_path) == []
    assert list(request.folder.iterdir()) == []


def test_nothing_is_left_of_a_dry_run_that_was_killed_and_an_erasure_stays(tmp_path):
    dry, kept = begun(tmp_path, DRY_RUN), begun(tmp_path, ENFORCE)
    (kept.folder / ".subject.json.4711").write_text("anna_berg01")  # a writer was killed before it was done
    discard_interrupted(tmp_path)
    assert not dry.folder.exists()
    assert [file.name for file in kept.folder.iterdir()] == ["subject.json"]


@pytest.mark.parametrize("killed_before_the_rename", [False, True])
def test_a_file_that_a_killed_run_had_changed_counts_once(tmp_path, killed_before_the_rename):
    file = tmp_path / "a.csv"
    file.write_text("first")
    request, first = begun(tmp_path / "erasures", ENFORCE), sha256(file)
    if killed_before_the_rename:
        request.note(Change("a.csv", "rows", 2, first, "0" * 64))
    else:
        draft_of(file).write_text("second")
        request.replace(file, draft_of(file), place="a.csv", what="rows", rows=2)
    draft_of(file).write_text("third")
    request.replace(file, draft_of(file), place="a.csv", what="rows", rows=1)
    rows = 1 if killed_before_the_rename else 3
    assert request.changes() == [Change("a.csv", "rows", rows, first, sha256(file))]
