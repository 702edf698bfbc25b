"""What privacy and training exchange about a request is read as it was written, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from contracts.erasure import (
    DRY_RUN,
    ENFORCE,
    Deletion,
    LearnedVersion,
    MarkedVersion,
    ModelsReport,
    OpenRequest,
    Subject,
)
from contracts.errors import LakeError

ANNA = Subject(
    requested_as="account:0a",
    identifiers=("account:0a", "cookie:0b"),
    person_ids=("pa",),
    days=("2026-11-18", "2026-11-19"),
    raw_values={"anna01": "account"},
    ids_of_day={"2026-11-18": ("pa", "pb")},
)


def test_an_open_request_is_read_as_it_was_written(tmp_path):
    request = OpenRequest(ENFORCE, ANNA, ("r1", "r2"))
    request.write(tmp_path)
    assert OpenRequest.read(tmp_path) == request


def test_what_models_knew_is_read_as_it_was_written(tmp_path):
    assert ModelsReport.read(tmp_path) is None
    report = ModelsReport(
        DRY_RUN,
        ("3 versions",),
        (LearnedVersion("next_item", "1", "2026-11-19", "the person is in it"),),
        (MarkedVersion("next_item", "1", "1 people since 2026-11-20"),),
        (Deletion("checkpoints", "checkpoints", 2),),
        (Deletion("runs in the trash", "model registry", 1),),
    )
    report.write(tmp_path)
    assert ModelsReport.read(tmp_path) == report


@pytest.mark.parametrize("written", [None, "", "[]", "{}", '{"mode": "enforce", "subject": {}, "row_ids": []}'])
def test_another_file_is_refused_in_a_sentence(tmp_path, written):
    if written is not None:
        (tmp_path / "subject.json").write_text(written)
        (tmp_path / "models.json").write_text(written)
        with pytest.raises(LakeError, match=r"models\.json.*delete that file"):
            ModelsReport.read(tmp_path)
    with pytest.raises(LakeError, match=r"subject\.json.*make the request again"):
        OpenRequest.read(tmp_path)


def test_a_subject_answers_to_every_name_it_ever_had():
    assert all(map(ANNA.answers_to, ("account:0a", "cookie:0b", "pa", "pb")))
    assert not ANNA.answers_to("anna01")
    assert ANNA.ids_on("2026-11-18") == {"pa", "pb"}
    assert ANNA.ids_on("2026-11-19") == {"pa"}
    assert ANNA.search_values() == {"anna01": "account", "0a": "pseudonym", "0b": "pseudonym", "pa": "person id"}
