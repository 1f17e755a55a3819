"""Settings, what is remembered, themes, and the help that is made of the table of keys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from symposia.core.errors import ConfigError, SymposiaError
from symposia.tui.keys import KEYS, keys_of
from symposia.tui.remembered import Remembered, recall, remember
from symposia.tui.render.keynames import TITLES, help_lines, key_name, key_table
from symposia.tui.render.skin import SKINS
from symposia.tui.settings import Settings, load, read, settings_path
from symposia.tui.themes import THEMES, skin_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tui.toml"


def test_the_file_is_beside_the_users_own(tmp_path: Path) -> None:
    assert settings_path({"SYMPOSIA_CONFIG": str(tmp_path / "mine.toml")}) == tmp_path / "tui.toml"
    assert settings_path({}).name == "tui.toml"


def test_defaults_without_a_file(file: Path) -> None:
    assert load(file) == (Settings(), None)


def test_what_is_set_is_read(file: Path) -> None:
    file.write_text('theme = "symposia-light"\nascii = true\n\n[keys]\n"run.pause" = "p"\nsearch = "/, ctrl+f"\n')
    settings = read(file)
    assert (settings.theme, settings.ascii) == ("symposia-light", True)
    assert settings.keys == {"run.pause": "p", "search": "slash,ctrl+f"}
    assert next(key.key for key in keys_of("live", changed=settings.keys) if key.id == "run.pause") == "p"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("asci = true", "unknown key 'asci' in {file}:1 (did you mean 'ascii'?)"),
        ("\nascii = 3", "{file}:2: ascii = 3 should be a valid boolean"),
        ('theme = "dark"', "{file}:1: theme = 'dark' should be 'symposia-dark'"),
        ("ascii = ", "{file}:1: not valid TOML"),
        ('[keys]\n"run.paus" = "p"', "unknown key 'run.paus' in {file}:2 (did you mean 'run.pause'?)"),
        ('[keys]\n"run.pause" = "x"', "{file}:2: the key x does run.pause and run.stop at once"),
        ('[keys]\nask = "j"', "{file}:2: the key j does ask and down at once"),
        ('[keys]\nask = "ctl+j"', "keys.ask: 'ctl+j' is no key (write ctrl+, alt+ or shift+ before one)"),
        ('[keys]\nask = "f99"', "keys.ask: unknown key 'f99'"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_does_not_keep_anybody_out(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(SymposiaError) as raised:
        read(file)
    assert said.format(file=file) in str(raised.value)
    loaded = load(file)
    assert loaded.settings == Settings()
    assert str(loaded.fault) == str(raised.value)


def test_a_key_may_be_taken_from_another(file: Path) -> None:
    file.write_text('[keys]\n"run.pause" = "x"\n"run.stop" = "X"\n')
    assert read(file).keys == {"run.pause": "x", "run.stop": "X"}


def test_a_file_that_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert isinstance(load(file).fault, ConfigError)


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "data" / "tui.json"
    what = Remembered(run="abc", theme="symposia-light", sort="state", choice={"strategy": "greedy"})
    remember(place, what)
    assert recall(place) == what
    assert [each.name for each in place.parent.iterdir()] == ["tui.json"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"run": 3}', b"\xff"])
def test_what_is_broken_is_forgotten(tmp_path: Path, body: bytes) -> None:
    place = tmp_path / "tui.json"
    place.write_bytes(body)
    assert recall(place) == Remembered()


def test_what_another_version_remembered_is_left_out(tmp_path: Path) -> None:
    place = tmp_path / "tui.json"
    place.write_text('{"run": "abc", "hats": 3}')
    assert recall(place) == Remembered(run="abc")


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    remember(tmp_path / "data" / "tui.json", Remembered(run="abc"))
    assert (tmp_path / "data").read_text() == "a file"


def test_every_theme_has_its_skin() -> None:
    assert [theme.name for theme in THEMES] == [f"symposia-{name}" for name in SKINS]
    for theme, skin in zip(THEMES, SKINS.values(), strict=True):
        assert skin_of(theme.name, Settings(), plain=False) == skin
        if not theme.ansi:
            assert (theme.background, theme.foreground) == (skin.ground, skin.text)
    assert all(not colour or colour.startswith("ansi_") for colour in (THEMES[-1].primary, THEMES[-1].background))


def test_no_colour_and_no_signs() -> None:
    plain = skin_of("symposia-dark", Settings(ascii=True), plain=True)
    assert plain == SKINS["dark"].without_colour().with_ascii()
    assert skin_of("textual-light", Settings(), plain=False) == SKINS["ansi"]


def test_keys_have_one_name_and_do_one_thing_in_a_place() -> None:
    assert max(Counter(key.id for key in KEYS).values()) == 1
    for place in TITLES:
        keys = Counter(each for key in keys_of(place) for each in key.key.split(","))
        assert [each for each, count in keys.items() if count > 1] == [], place
    assert {place for key in KEYS for place in key.where.split()} == set(TITLES)


@pytest.mark.parametrize("width", [60, 78, 118])
def test_the_help_has_every_key_where_it_works_the_screens_own_first(width: int) -> None:
    lines = [line.plain for line in help_lines("trace", {"step.copy": "c"}, width, SKINS["dark"])]
    assert lines[0] == "Trace"
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for key in KEYS:
        assert text.count(key.help) >= len(key.where.split()), key.id
    assert "  c " in next(line for line in lines if "Copy the step" in line)
    others = [title for title in TITLES.values() if title != "Trace"]
    assert [line for line in lines if line in TITLES.values()] == ["Trace", *others]


def test_the_documentation_has_the_table_of_keys() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tui.md").read_text(encoding="utf-8")
    table = page.partition("<!-- keys -->\n")[2].partition("\n<!-- end")[0]
    assert table == key_table(), "docs/tui.md: put what key_table() gives between the marks"


def test_keys_as_they_stand_on_a_keyboard() -> None:
    assert key_name("question_mark,f1") == "? f1"
    assert key_name("less_than_sign") == "<"
    assert key_name("shift+tab") == "shift+tab"
    assert key_name("ctrl+p,colon") == "ctrl+p :"
