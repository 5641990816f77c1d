from pathlib import Path
from typing import Annotated, Literal

import pytest
from my_project._internal import layers
from my_project._internal.layers import PREFIX
from my_project.errors import ConfigError
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0)] = 0
    share: Annotated[float, Field(lt=1)] = 0.5
    task: Literal["auto", "none"] = "auto"
    drop: layers.Names = ()
    transforms: layers.Steps = ()
    plugin_folder: Path | None = None


def load(file=None, **given):
    return layers.load(Settings, file, given)


@pytest.fixture
def file(tmp_path):
    (path := tmp_path / "config.toml").write_text('seed = 1\nshare = 0.1\ndrop = ["id", "a,b"]\n')
    return path


def test_command_line_beats_environment_beats_file_beats_default(file, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}SEED", "2")
    monkeypatch.setenv(f"{PREFIX}SHARE", "0.2")
    found = load(file, seed=3, task=None)
    assert (found.seed, found.share, found.drop, found.task) == (3, 0.2, ("id", "a,b"), "auto")


def test_origins_say_who_won(file, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}SHARE", "0.2")
    found = layers.origins(Settings, file, {"seed": 3, "task": None})
    assert found == {
        "seed": "command line",
        "share": f"{PREFIX}SHARE",
        "task": "default",
        "drop": str(file),
        "transforms": "default",
        "plugin_folder": "default",
    }


def test_environment_names_the_file(file, monkeypatch):
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(file))
    assert load().seed == 1


def test_file_in_the_working_folder_is_not_read(file, monkeypatch):
    (file.parent / ".env").write_text(f"{PREFIX}SEED=5\n")
    monkeypatch.chdir(file.parent)
    assert load().seed == 0


def test_lists_are_split_at_commas_in_a_variable(monkeypatch):
    monkeypatch.setenv(f"{PREFIX}DROP", "id, name,")
    monkeypatch.setenv(f"{PREFIX}TRANSFORMS", "one,two")
    assert (load().drop, load().transforms) == (("id", "name"), ("one", "two"))


def test_steps_with_options_are_tables_in_a_file_and_json_in_a_variable(file, monkeypatch):
    steps = ("one", {"use": "two", "low": 0})
    file.write_text('transforms = ["one", {use = "two", low = 0}]')
    assert load(file).transforms == steps
    monkeypatch.setenv(f"{PREFIX}TRANSFORMS", ' ["one", {"use": "two", "low": 0}]')
    assert load().transforms == steps
    monkeypatch.setenv(f"{PREFIX}TRANSFORMS", '["one", {')
    with pytest.raises(ConfigError, match=r"transforms = .*TRANSFORMS\): .*Expecting property name"):
        load()


def test_plugin_folder_is_relative_to_its_file(file):
    file.write_text('plugin_folder = "plugins"')
    assert load(file).plugin_folder == file.parent / "plugins"


def test_all_mistakes_are_told_at_once(file, monkeypatch):
    file.write_text('seed = -1\nsede = 1\ntask = "guess"')
    monkeypatch.setenv(f"{PREFIX}DROPS", "3")
    with pytest.raises(ConfigError) as caught:
        load(file, share=1)
    told = str(caught.value)
    assert f"seed = -1 ({file}): Input should be greater than or equal to 0" in told
    assert f"sede = 1 ({file}): unknown; the settings are seed, share, task, " in told
    assert f"task = 'guess' ({file}): " in told
    assert f"drops = '3' ({PREFIX}DROPS): unknown" in told
    assert "share = 1 (command line): " in told
    assert "\n" not in told


@pytest.mark.parametrize("content", ["seed = ", "seed = 1\nseed = 2", b"\xff"], ids=["cut", "twice", "bytes"])
def test_broken_file_is_named(file, content):
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match="cannot read the config file .*config.toml: "):
        load(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nothing.toml: No such file"):
        load(tmp_path / "nothing.toml")


def test_empty_plugin_folder_is_none_not_the_working_folder(file, monkeypatch):
    file.write_text('plugin_folder = ""')
    assert load(file).plugin_folder is None
    file.write_text('plugin_folder = "mine"')
    monkeypatch.setenv(f"{PREFIX}PLUGIN_FOLDER", "")
    assert load(file).plugin_folder is None
