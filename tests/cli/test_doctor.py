"""What the doctor says of sandboxes: it has run code there, or it says why not and how to mend it."""

from __future__ import annotations

import pytest

from symposia.cli import doctor
from symposia.core.errors import SandboxError


async def test_a_sandbox_that_runs_code_is_fine() -> None:
    assert await doctor._sandbox("monty", needed=True) == doctor.Finding("sandbox monty", "ok", "runs small checks")
    found = await doctor._sandbox("bubblewrap", needed=False)
    assert found.state == "ok"
    assert found.detail.startswith("runs Python 3.")
    assert "sympy" in found.detail


@pytest.mark.parametrize(("needed", "state"), [(True, "problem"), (False, "note")])
async def test_one_that_cannot_be_had_is_a_problem_only_where_everybody_should_have_it(
    monkeypatch: pytest.MonkeyPatch, needed: bool, state: str
) -> None:
    def refuse(name: str, *, workers: int) -> None:
        raise SandboxError(f"{name} is not installed", hint="install it")

    monkeypatch.setattr(doctor, "open_sandbox", refuse)
    found = await doctor._sandbox("bubblewrap", needed=needed)
    assert found == doctor.Finding("sandbox bubblewrap", state, "bubblewrap is not installed (install it)")
