"""What the partner may weigh: a head that fits the features and whose scores do not wrap around."""

import pytest

from contracts.errors import ModelError
from privacy.encrypted.partner import read_head


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('{"bias": 0, "weights": {"shoe_size": 1}}', "weights of features among frequency, posts"),
        ('{"bias": 0, "weights": {"posts": 2000}}', "one whose scores may reach 10000"),
        ('{"bias": 1, "weights": {"posts": 0}}', "everyone would have the same score"),
        ('{"bias": 1, "weights": {"posts": NaN}}', "one whose scores may reach nan"),
        ("[]", "received something else"),
    ],
)
def test_what_is_no_head_is_refused(tmp_path, written, sentence):
    file = tmp_path / "head.json"
    file.write_text(written)
    with pytest.raises(ModelError, match=sentence):
        read_head(file, ["frequency", "posts"])
    with pytest.raises(ModelError, match="no such file"):
        read_head(tmp_path / "none.json", ["frequency"])
