import pytest

from contracts.errors import ModelError
from training.config import CONFIGS, known_model, read_config, write_config
from training.gate.decision import GateConfig
from training.models.next_item.network import NextItemConfig


def read(tmp_path, text):
    (tmp_path / "some.yml").write_text(text)
    return read_config(tmp_path / "some.yml", NextItemConfig)


def test_values_replace_defaults(tmp_path):
    config = read(tmp_path, "epochs: 3\ndropout: 0\n")
    assert (config.epochs, config.dropout, config.dimensions) == (3, 0.0, NextItemConfig().dimensions)


def test_an_unknown_key_is_named_with_its_line_and_what_would_fit(tmp_path):
    with pytest.raises(
        ModelError, match=r"in line 2 of some\.yml \(epoch\), but received 'epoch'; did you mean 'epochs'"
    ):
        read(tmp_path, "# comment\nepoch: 3\n")


def test_a_wrong_type_is_named_with_its_line(tmp_path):
    with pytest.raises(ModelError, match=r"a whole number in line 1 of some\.yml \(epochs\), but received 'many'"):
        read(tmp_path, "epochs: many\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a\n- b\n", r"a mapping under the file in line 1 of some\.yml .*write `name: value` lines"),
        ("just words", "a mapping under the file in line 1"),
        ("", r"YAML in some\.yml, but received nothing"),
        ("a: [1", r"YAML in some\.yml, but received .* in line 1"),
        ("epochs: 1\nepochs: 2\n", "'epochs' again, as in line 1 in line 2"),
        ("dropout: 1\nlosss: x\n", "in line 2 .*did you mean 'loss'"),
    ],
)
def test_something_else_than_settings(tmp_path, text, sentence):
    with pytest.raises(ModelError, match=sentence):
        read(tmp_path, text)


def test_a_section_that_no_model_has_is_named_with_its_line(tmp_path):
    file = tmp_path / "gate.yml"
    file.write_text("every: {tolerance: 0.02}\nrespons: {beat: [rate]}\n")
    with pytest.raises(ModelError, match=r"in line 2 of gate\.yml \(respons\), .*did you mean 'response'"):
        read_config(file, GateConfig, sections=("every", "response"))


def test_no_such_file(tmp_path):
    with pytest.raises(ModelError, match=r"next_item\.yml"):
        read_config(tmp_path / "none.yml", NextItemConfig)


def test_the_best_known_parameters_are_understood():
    assert isinstance(read_config(CONFIGS / "next_item.yml", NextItemConfig), NextItemConfig)


def test_an_unknown_model_gets_close_matches():
    with pytest.raises(ModelError, match="'nextitem'; did you mean 'next_item'"):
        known_model("nextitem")


def test_a_configuration_is_replaced_and_never_written_into(tmp_path):
    """A reader that has the file open while tuning replaces it reads the whole of the old one."""
    file = tmp_path / "next_item.yml"
    write_config(file, NextItemConfig(epochs=3), comments=["found first"])
    with file.open() as reader:
        write_config(file, NextItemConfig(epochs=4), comments=["found second"])
        assert "epochs: 3" in reader.read()
    assert read_config(file, NextItemConfig).epochs == 4
    assert [found.name for found in tmp_path.iterdir()] == ["next_item.yml"]
