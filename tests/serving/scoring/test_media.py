"""Files that people posted: few are read at a time, no more of each than is needed; those of no use are counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from serving.scoring import media
from serving.scoring.media import PHOTOS, SOUNDS, Looked, media_interests


class Listens:
    """A champion that hears `music` in what begins with m and `pets` in all else; nothing in an empty file."""

    def __init__(self) -> None:
        self.calls = []

    def predict(self, rows):
        files = rows["sound"].tolist()
        self.calls.append(files)
        found = [None if not file else "music" if file[:1] == b"m" else "pets" for file in files]
        return pd.DataFrame(
            {
                "category": found,
                "probabilities": [[] if not name else [1.0, 0.0] if name == "music" else [0.0, 1.0] for name in found],
                "categories": [["music", "pets"]] * len(found),
                "remark": [None if name else "empty" for name in found],
            }
        )


def posted(tmp_path, contents: dict[str, bytes]) -> pd.DataFrame:
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return pd.DataFrame({"person_id": [name[0] for name in contents], "path": list(contents)})


def test_each_person_gets_what_their_files_show_and_the_rest_is_counted(tmp_path):
    files = posted(tmp_path, {"a1": b"m", "a2": b"", "b1": b"w", "c1": b"m"})
    files.loc[len(files)] = ["b", "../outside"]
    found, looked = media_interests(tmp_path, files, np.array(["a", "b"]), SOUNDS, Listens())
    assert found.to_dict("list") == {
        "person_id": ["a", "b"],
        "sound_interests": [
            [{"category": "music", "weight": 1.0, "confidence": 0.5}],
            [{"category": "pets", "weight": 1.0, "confidence": 0.5}],
        ],
    }
    assert looked.counts() == {"posted": 4, "unused": 2, "empty": 2}
    assert looked.plus(looked).counts() == {"posted": 8, "unused": 4, "empty": 4}


def test_no_more_of_a_file_is_read_than_is_heard_and_few_at_a_time(tmp_path, monkeypatch):
    model = Listens()
    monkeypatch.setattr(media, "_BYTES_A_BATCH", 10)
    files = posted(tmp_path, {f"a{number}": b"m" * 8 for number in range(5)})
    short = media.Medium(**{**vars(SOUNDS), "most_bytes": 6})
    media_interests(tmp_path, files, np.array(["a"]), short, model)
    assert model.calls == [[b"m" * 6] * 2, [b"m" * 6] * 2, [b"m" * 6]]


def test_serving_reads_as_much_of_a_sound_as_the_model_looks_at():
    from training.models.interest_audio.pyfunc import BYTES_READ

    assert SOUNDS.most_bytes >= BYTES_READ


def test_without_a_champion_nothing_is_read(tmp_path):
    found, looked = media_interests(tmp_path, posted(tmp_path, {"a1": b"m"}), np.array(["a"]), PHOTOS, None)
    assert found.empty and looked == Looked()
