from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, UnknownNameError, UsageError
from symposia.core.tooling import Approval
from symposia.runtime.places import user_file_path
from symposia.runtime.settings import LoadedSettings, Settings, load_settings, set_user_value

Load = Callable[..., LoadedSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load from texts: ``project`` and ``user`` are the files' contents."""

    def load(project: str = "", user: str = "", env: dict[str, str] | None = None, **flags: Any) -> LoadedSettings:
        (tmp_path / "symposia.toml").write_text(project)
        (tmp_path / "config.toml").write_text(user)
        return load_settings(flags=flags, environ=env or {}, cwd=tmp_path, user_file=tmp_path / "config.toml")

    return load


def test_nothing_set_gives_the_defaults_and_says_so(load: Load) -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert loaded.origins == dict.fromkeys(Settings.model_fields, "default")


def test_each_source_beats_the_ones_below_it(load: Load, tmp_path: Path) -> None:
    user, project, env = 'model = "u"\n', 'model = "p"\n', {"SYMPOSIA_MODEL": "e"}
    found = [
        load(),
        load(user=user),
        load(project, user),
        load(project, user, env),
        load(project, user, env, model="f"),
    ]
    assert [each.settings.model for each in found] == [None, "u", "p", "e", "f"]
    assert [each.origins["model"] for each in found] == [
        "default",
        f"{tmp_path / 'config.toml'}:1",
        f"{tmp_path / 'symposia.toml'}:1",
        "SYMPOSIA_MODEL",
        "flag",
    ]


def test_tables_merge_key_by_key(load: Load, tmp_path: Path) -> None:
    loaded = load(
        '[team]\nverifier = "p"\n[strategies.self-consistency]\nn = 8\n',
        '[team]\nverifier = "u"\ncritic = "u"\n[strategies.self-consistency]\nn = 4\nwindow = 2\n[teams.big]\npolicy = "b"\n',
        {"SYMPOSIA_TEAM__TRANSLATOR": "e"},
        team={"judge": "f"},
    )
    assert loaded.settings.team == {"verifier": "p", "critic": "u", "translator": "e", "judge": "f"}
    assert loaded.settings.strategies == {"self-consistency": {"n": 8, "window": 2}}
    assert loaded.settings.teams == {"big": {"policy": "b"}}
    assert loaded.origins["team.verifier"] == f"{tmp_path / 'symposia.toml'}:2"
    assert loaded.origins["strategies.self-consistency.window"] == f"{tmp_path / 'config.toml'}:6"
    assert loaded.origins["team.translator"] == "SYMPOSIA_TEAM__TRANSLATOR"
    assert "team" not in loaded.origins


def test_tools_and_their_approvals(load: Load) -> None:
    loaded = load(
        '[approve]\nwiki = "never"\nweb-search = "always"\n[tools.web-search]\nprovider = "brave"\n',
        env={"SYMPOSIA_APPROVE__WEB_SEARCH": "ask", "SYMPOSIA_TOOLS__WEB_SEARCH__LIMIT": "3", "SYMPOSIA_SANDBOX": "monty"},
    )
    settings = loaded.settings
    assert settings.approve == {"wiki": Approval.NEVER, "web-search": Approval.ASK}
    assert settings.tools == {"web-search": {"provider": "brave", "limit": 3}}
    assert (settings.sandbox, loaded.origins["approve.web-search"]) == ("monty", "SYMPOSIA_APPROVE__WEB_SEARCH")
    with pytest.raises(UsageError, match="unknown approval 'sometimes'"):
        load('[approve]\nwiki = "sometimes"\n')
    with pytest.raises(ConfigError, match="sandbox"):
        load('sandbox = "none"\n')


def test_a_flag_of_none_was_not_given(load: Load) -> None:
    assert load('model = "p"', model=None).settings.model == "p"


def test_an_empty_variable_is_unset(load: Load) -> None:
    assert load('model = "p"', env={"SYMPOSIA_MODEL": ""}).settings.model == "p"


def test_variables_are_read_as_the_type_they_set(load: Load) -> None:
    env = {
        "SYMPOSIA_SEED": "7",
        "SYMPOSIA_CALL_TIMEOUT": "1.5",
        "SYMPOSIA_BUDGET": "30",
        "SYMPOSIA_STRATEGIES__SELF_CONSISTENCY__N": "8",
        "SYMPOSIA_STRATEGIES__SELF_CONSISTENCY__STOP_AT": "0.95",
        "SYMPOSIA_STRATEGIES__SELF_CONSISTENCY__RULE": "plain words",
        "SYMPOSIA_CONFIG": "/somewhere",
        "SYMPOSIA_FAILPOINT": "after-sent",
        "HOME": "/root",
    }
    settings = load(env=env).settings
    assert (settings.seed, settings.call_timeout, settings.budget) == (7, 1.5, "30")
    assert settings.strategies == {"self-consistency": {"n": 8, "stop_at": 0.95, "rule": "plain words"}}


def test_a_variable_finds_the_name_that_a_file_spells(load: Load) -> None:
    loaded = load('[teams.My-Team]\nverifier = "a"', env={"SYMPOSIA_TEAMS__MY_TEAM__VERIFIER": "b"})
    assert loaded.settings.teams == {"My-Team": {"verifier": "b"}}


def test_team_policy_is_model_so_that_a_stronger_source_wins(load: Load) -> None:
    loaded = load('[team]\npolicy = "p"\nverifier = "v"', model="f")
    assert (loaded.settings.model, loaded.settings.team) == ("f", {"verifier": "v"})
    assert load('[team]\npolicy = "p"').settings.model == "p"
    with pytest.raises(ConfigError, match=r"team.policy and model differ"):
        load('model = "a"\n[team]\npolicy = "b"')


def test_a_number_is_a_budget_of_calls(load: Load) -> None:
    assert load("budget = 30").settings.budget == "30"


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("modle = 'x'", r"unknown key 'modle' in .*symposia\.toml:1 \(did you mean 'model'\?\)"),
        ("[strategies.gredy]\nk = 1", r"unknown strategy 'gredy' in .*symposia\.toml:2 \(did you mean 'greedy'\?\)"),
        ("# a\n[taem]\nverifier = 'x'", r"unknown key 'taem' in .*symposia\.toml:2 \(did you mean 'team'\?\)"),
    ],
)
def test_unknown_keys_name_the_place_and_the_nearest_key(load: Load, project: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        load(project)


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ("seed = 1\nmodel = ", r"symposia\.toml:2: not valid TOML: Invalid value"),
        ("seed = 1\nmodel = 'x", r"symposia\.toml:\d: not valid TOML"),
        ("\nseed = 'x'", r"symposia\.toml:2: seed = 'x' should be a valid integer"),
        ("seed = true", r"seed = True should be a valid integer"),
        ("model = 3", r"symposia\.toml:1: model = 3 should be a valid string"),
        ("model = ''", r"model = '' .*at least 1 character"),
        ("team = 'x'", r"symposia\.toml:1: team = 'x' should be a table"),
        ("[team]\nverifier = 1", r"symposia\.toml:2: team\.verifier = 1 should be a valid string"),
        ("[strategies]\ngreedy = 1", r"symposia\.toml:2: strategies\.greedy = 1 should be a table"),
        ("call_timeout = 0", r"call_timeout = 0 should be greater than 0"),
        ("call_timeout = inf", r"call_timeout = inf should be a finite number"),
        ("max_attempts = 0", r"max_attempts = 0 should be greater than or equal to 1"),
        ("transport = 'fast'", r"transport = 'fast' should be 'litellm' or 'direct'"),
        ("budget = 'cals=3'", r"symposia\.toml:1: unknown budget 'cals' \(did you mean 'calls'\?\)"),
        ("budget = true", r"budget = True should be a valid string"),
    ],
)
def test_what_cannot_be_used_is_an_error_with_its_place(load: Load, project: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(project)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("env", "error", "message"),
    [
        ({"SYMPOSIA_MODLE": "x"}, UnknownNameError, r"unknown environment variable 'SYMPOSIA_MODLE' .*'SYMPOSIA_MODEL'"),
        ({"SYMPOSIA_SEED": "x"}, ConfigError, r"SYMPOSIA_SEED: seed = 'x' should be a valid integer"),
        ({"SYMPOSIA_TEAM": "x"}, ConfigError, r"SYMPOSIA_TEAM names no setting \(write SYMPOSIA_TEAM__ROLE=…\)"),
        ({"SYMPOSIA_MODEL__A": "x"}, ConfigError, r"write SYMPOSIA_MODEL=…"),
        ({"SYMPOSIA_STRATEGIES__GREEDY": "x"}, ConfigError, r"write SYMPOSIA_STRATEGIES__STRATEGY__OPTION=…"),
    ],
)
def test_variables_that_set_nothing_are_errors(load: Load, env: dict[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load(env=env)


def test_unknown_flags_are_errors(load: Load) -> None:
    with pytest.raises(UnknownNameError, match="unknown option 'sed'"):
        load(sed=1)


def test_the_user_file_can_be_moved_and_must_then_exist(tmp_path: Path) -> None:
    moved = tmp_path / "mine.toml"
    environ = {"SYMPOSIA_CONFIG": str(moved)}
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings(environ=environ, cwd=tmp_path)
    moved.write_text("seed = 3")
    assert load_settings(environ=environ, cwd=tmp_path).settings.seed == 3
    assert user_file_path({}).name == "config.toml"


def test_a_folder_or_foreign_text_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "symposia.toml").write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(environ={}, cwd=tmp_path / "elsewhere", user_file=tmp_path)


def test_relative_paths_count_from_the_file(load: Load, tmp_path: Path) -> None:
    settings = load("store = 'runs.db'\nmodels_dir = '/abs'").settings
    assert (settings.store, settings.models_dir) == (str(tmp_path / "runs.db"), "/abs")
    assert load("store = 'postgresql://h/db'").settings.store == "postgresql://h/db"
    assert load(store="here.db").settings.store == "here.db"


@pytest.mark.parametrize("text", ["note = '''\nmodel = 1\n'''", 'seed = 1\nmodel = """\na"""\n'])
def test_no_line_is_guessed_where_a_long_string_could_mislead(load: Load, text: str, tmp_path: Path) -> None:
    with pytest.raises((UnknownNameError, ConfigError)) as caught:
        load(text + "\nseeed = 1")
    assert f"{tmp_path / 'symposia.toml'} " in str(caught.value)


def test_lines_of_dotted_quoted_and_inline_keys(load: Load, tmp_path: Path) -> None:
    loaded = load("team.verifier = 'a'\nstrategies = {greedy = {k = [\n[1]]}}\n[teams.\"a b\"]\n'x.y' = 'm'\n")
    lines = {key: origin.rpartition(":")[2] for key, origin in loaded.origins.items() if origin != "default"}
    assert lines == {"team.verifier": "1", "strategies.greedy.k": "2", "teams.a b.x.y": "5"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "new"\n'),
        ("seed = 1", 'seed = 1\nmodel = "new"\n'),
        ("model = 'old'  # mine\nseed = 1\n", 'model = "new"  # mine\nseed = 1\n'),
        ('"model"="old"\r\nseed = 1\r\n', '"model"="new"\r\nseed = 1\r\n'),
        ("# top\n\n# team\n[team]\nmodel = 'x'\n", "# top\n\nmodel = \"new\"\n\n# team\n[team]\nmodel = 'x'\n"),
        ("seed = 1\n\n[team]\n", 'seed = 1\n\nmodel = "new"\n\n[team]\n'),
    ],
)
def test_setting_a_value_keeps_the_rest_of_the_file(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "sub" / "config.toml"
    if before:
        path.parent.mkdir()
        path.write_bytes(before.encode())
    assert set_user_value("model", "new", path=path) == path
    assert path.read_bytes().decode() == after
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_value_survives_whatever_its_characters(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    value = 'http://h/v1#"a"\\b é\n#'
    set_user_value("model", value, path=path)
    set_user_value("seed", 3, path=path)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"model": value, "seed": 3}


@pytest.mark.parametrize("text", ["model = '''\nold'''\n", "note = '''\nmodel = 1\n'''\nmodel = 'x'\n", "[model]\na = 1\n"])
def test_what_one_line_cannot_change_is_refused_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="edit the file by hand"):
        set_user_value("model", "new", path=path)
    assert path.read_text() == text


def test_only_valid_settings_are_written_and_never_a_password(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(UnknownNameError, match="unknown setting 'team'"):
        set_user_value("team", "x", path=path)
    with pytest.raises(ConfigError, match="seed = 'x' should be a valid integer"):
        set_user_value("seed", "x", path=path)
    with pytest.raises(ConfigError, match="never written") as caught:
        set_user_value("store", "postgresql://me:hunter2@host/db", path=path)
    assert "hunter2" not in str(caught.value)
    assert not path.exists()


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "config.toml"
    real.write_text("seed = 1\n")
    real.chmod(0o600)
    link.symlink_to(real)
    set_user_value("seed", 2, path=link)
    assert link.is_symlink()
    assert real.read_text() == "seed = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        set_user_value("model", "x", path=tmp_path / "file" / "config.toml")


def test_loading_the_module_loads_nothing_heavy() -> None:
    code = "import sys, symposia.runtime.settings; print([m for m in ('litellm', 'langgraph', 'sqlalchemy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_toml_cannot_hold_is_refused_and_odd_addresses_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(ConfigError, match="cannot be set without risk"):
        set_user_value("model", "a\x7fb", path=path)
    set_user_value("store", "http://[odd", path=path)
    assert path.read_text() == 'store = "http://[odd"\n'
