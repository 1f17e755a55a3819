"""Review remarks turned into tests: packaging, sizes, docstrings, errors. Exception lists here may only get shorter."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import symposia
from symposia.core import errors

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
LONG_FILES: frozenset[str] = frozenset()
"""Library files allowed to be longer than :data:`MAX_FILE_LINES`, as ``FOLDER/FILE.py``."""
LONG_FUNCTIONS: frozenset[str] = frozenset()
"""Functions allowed to be longer than :data:`MAX_FUNCTION_LINES`, as ``FOLDER/FILE.py:NAME``."""
UNDOCUMENTED: frozenset[str] = frozenset()
"""Public classes and functions allowed to have no docstring, as ``FOLDER/FILE.py:NAME``."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _folders() -> set[str]:
    """The root folders that hold a package: each must be linked, built and checked."""
    return {path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"}


def _library() -> list[Path]:
    return sorted(path for folder in _folders() for path in (ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: links and tracked files can only be listed there")
    return done.stdout


def _public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Public functions, classes and methods; overloads and overridden properties' setters are not counted twice."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition) and not child.name.startswith("_"):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{child.name}.")


def _accessor_or_overload(node: Definition) -> bool:
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"overload", "setter", "override"})


def test_links_are_committed_as_relative_links_to_every_folder() -> None:
    listed = [line.split(None, 3) for line in _git("ls-files", "-s", "--", "src/symposia").splitlines()]
    links = {Path(path).name for mode, _, _, path in listed if mode == "120000"}
    assert links == _folders()
    for name in links:
        assert (ROOT / "src/symposia" / name).readlink() == Path("../..") / name


def test_pyproject_lists_every_folder() -> None:
    folders, tool = _folders(), _pyproject()["tool"]
    targets = tool["hatch"]["build"]["targets"]
    front = {"src/symposia/__init__.py", "src/symposia/py.typed"}
    assert set(targets["wheel"]["only-include"]) >= folders | front
    others = {entry for entry in targets["wheel"]["only-include"] if entry not in folders and "src/symposia/" not in entry}
    assert not others
    assert set(targets["wheel"]["only-include"]) <= set(targets["sdist"]["only-include"])
    assert targets["wheel"]["sources"] == {"src": ""} | {name: f"symposia/{name}" for name in folders}
    assert set(tool["pyright"]["include"]) == folders | {"__init__.py"}


def test_every_folder_has_a_layer() -> None:
    contracts = _pyproject()["tool"]["importlinter"]["contracts"]
    layers = {name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")}
    assert layers | {"testing"} == _folders()


def test_the_root_holds_neither_a_conftest_nor_a_folder_named_symposia() -> None:
    assert not (ROOT / "conftest.py").exists()
    assert not (ROOT / "symposia").exists()


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.106.0", "1.106.1", "1.106.2", "1.107.0", "1.107.3", "2.0.0"])
def test_compromised_and_broken_litellm_stay_excluded(version: str) -> None:
    requirements = map(Requirement, _pyproject()["project"]["dependencies"])
    litellm = next(each for each in requirements if each.name == "litellm")
    assert Version(version) not in litellm.specifier
    assert Version("1.105.3") in litellm.specifier


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._!+]+", line)] == []
    pinned = {re.split("==", pin)[0].lower().replace("_", "-"): Version(pin.split("==")[1]) for pin in pins}
    project = _pyproject()["project"]
    extras = project["optional-dependencies"]
    wants = [Requirement(text) for text in [*project["dependencies"], *extras["local"], *extras["dev"]]]
    ours = [each for each in wants if each.name == project["name"]]  # the development extra asks for others of ours
    assert ours
    wants += [Requirement(text) for each in ours for extra in each.extras for text in extras[extra]]
    for wanted in wants:
        if wanted in ours:
            continue
        assert pinned[wanted.name.lower()] in wanted.specifier, wanted.name


def test_files_and_functions_stay_readable() -> None:
    files, functions = set(), set()
    for path in _library():
        source = path.read_text(encoding="utf-8")
        if source.count("\n") > MAX_FILE_LINES:
            files.add(_name(path))
        for node in ast.walk(ast.parse(source)):
            # A migration is one list of statements, written once and never changed: cutting it up would help nobody.
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "migrations/versions" not in _name(path):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > MAX_FUNCTION_LINES:
                    functions.add(f"{_name(path)}:{node.name}")
    assert files == LONG_FILES
    assert functions == LONG_FUNCTIONS


def test_every_public_name_is_documented() -> None:
    bare = {
        f"{_name(path)}:{name}"
        for path in _library()
        for name, node in _public(ast.parse(path.read_text(encoding="utf-8")))
        if not ast.get_docstring(node) and not _accessor_or_overload(node)
    }
    modules = {_name(path) for path in _library() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))}
    assert bare == UNDOCUMENTED
    assert modules == set()


@pytest.mark.parametrize("name", symposia.__all__)
def test_every_name_of_the_front_door_can_be_imported(name: str) -> None:
    assert getattr(symposia, name).__name__ == name


def test_the_front_door_lists_what_it_has() -> None:
    assert symposia.__all__ == sorted(symposia.__all__) == sorted(symposia._HOMES)
    assert set(symposia.__all__) <= set(dir(symposia))
    assert symposia.__version__ == _pyproject()["project"]["version"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = symposia.nothing


def _error_classes() -> list[type[errors.SymposiaError]]:
    found = [errors.SymposiaError]
    for each in found:
        found += each.__subclasses__()
    return [each for each in found if each.__module__.startswith("symposia.")]


def test_errors_are_drawn_in_the_tree_as_they_inherit() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"(    [ │├└─]*)([A-Z]\w+)", line):
            above[len(found[1]) // 4 - 1 :] = [found[2]]
            drawn[found[2]] = above[-2] if len(above) > 1 else ""
    real = {
        each.__name__: "" if each is errors.SymposiaError else each.__bases__[0].__name__
        for each in _error_classes()
        if each.__module__ == errors.__name__
    }
    assert drawn == real


def test_every_error_has_a_code_of_its_own_and_an_exit_code_of_the_contract() -> None:
    """A class outside core may only refine one of core's, and keeps its code: callers decide by code."""
    classes = _error_classes()
    codes = [each.code for each in classes if each.__module__ == errors.__name__]
    assert sorted(set(codes)) == sorted(codes)
    assert [each.__name__ for each in classes if each.__module__ != errors.__name__ and "code" in vars(each)] == []
    assert {each.exit_code for each in classes} <= {1, 2, 3, 4, 5, 130}
    assert all(each.exit_code == 5 for each in classes if each.retryable)
