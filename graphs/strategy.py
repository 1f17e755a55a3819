"""What a strategy is: a frozen config, a LangGraph state machine and a registry entry.

A strategy's graph runs inside one :class:`Scope`, given to every node through the graph's context together with the problem
and the config. State holds ids and small records only; candidates live in the run's pool. Every strategy ends with an
:class:`Outcome` under the state key ``outcome``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from ..agents.policy import ROLE as POLICY
from ..agents.policy import Sampling
from ..agents.verifiers.verifier import Configured
from ..core.base import Frozen
from ..core.budget import CallBounds
from ..core.errors import MissingAbilityError, ProblemError
from ..core.model_spec import HAD_FROM, Ability, ModelSpec
from ..core.options import read_options
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from ..core.result import Outcome

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from .embedding import Embedding, Host, Node, Read, Write

ConfigT = TypeVar("ConfigT", bound=Frozen)

_RECURSION_LIMIT = 1000
"""LangGraph's own default no longer catches a runaway loop."""


@dataclass(frozen=True)
class Context(Generic[ConfigT]):
    """What every node of a strategy is given."""

    scope: Scope
    problem: Problem
    config: ConfigT


class State(TypedDict, total=False):
    """The keys every strategy's state has; strategies extend it."""

    outcome: Outcome


@dataclass(frozen=True)
class Strategy(Generic[ConfigT]):
    """A registry entry. ``cost`` is checked against counted calls by the conformance tests."""

    name: str
    summary: str
    paper: str
    config: type[ConfigT]
    build: Callable[[], CompiledStateGraph[Any, Any, Any, Any]]
    cost: Callable[[ConfigT, Mapping[str, ModelSpec], Problem], CallBounds]
    """Calls by config, team (role to model) and problem."""
    prompts: Callable[[Problem], tuple[str, ...]]
    """Names of the prompt files it uses for a problem; their texts are fixed when a run is created."""
    abilities: Mapping[str, frozenset[Ability]] = field(default_factory=lambda: {"policy": frozenset({Ability.CHAT})})
    """What each role's model must be able to do, whatever the config."""
    roles: Callable[[ConfigT], Mapping[str, frozenset[Ability]]] = lambda _config: {}
    """Further roles under a config, such as one that translates, with what their models must be able to do. What they say goes
    into the prompts of the policy."""
    accepts: Callable[[ConfigT, Problem], None] = lambda _config, _problem: None
    """Raises :class:`ProblemError` for a problem that it cannot work on under a config, beyond what the other fields say."""
    verifiers: Callable[[ConfigT], tuple[Configured, ...]] = lambda _config: ()
    """The verifiers it asks under a config: what they need, the run needs too."""
    tools: Callable[[ConfigT], tuple[str, ...]] = lambda _config: ()
    """Names of the tools it calls itself under a config."""
    samples: Callable[[ConfigT], int] | None = None
    """Completions of the policy at most; None where that is the option ``n``, or else one a call."""
    converses: bool = False
    """Whether later calls show the policy what was said before, so that their prompts may fill its context."""
    judges: bool = False
    """Whether it works on the problem's ``solutions``, and so needs some."""
    runs_code: bool = False
    """Whether it runs programs itself, with :meth:`Scope.execute`."""
    kinds: frozenset[AnswerKind] = frozenset(AnswerKind)
    """Kinds of answer it can work on."""

    def configure(self, options: Mapping[str, Any]) -> ConfigT:
        """The config with ``options`` set. Raises :class:`UnknownNameError` or :class:`ConfigError`."""
        return read_options(self.config, options, f"strategy {self.name}")

    def needs(self, config: ConfigT) -> dict[str, frozenset[Ability]]:
        """What each role's model must be able to do under ``config``; the keys are the roles."""
        needed = {**self.abilities, **self.roles(config)}
        if isinstance(config, Sampling):
            needed[POLICY] = needed.get(POLICY, frozenset()) | config.abilities
        for verifier in self.verifiers(config):
            for role, its in verifier.needs.items():
                needed[role] = needed.get(role, frozenset()) | its
        return needed

    def tool_names(self, config: ConfigT) -> tuple[str, ...]:
        """Names of the tools that a run under ``config`` may call, and no others."""
        named = (*self.tools(config), *(name for verifier in self.verifiers(config) for name in verifier.tools))
        return tuple(dict.fromkeys(named))

    def needs_sandbox(self, config: ConfigT) -> bool:
        """Whether a run under ``config`` executes programs, those of its tools left aside."""
        return self.runs_code or any(verifier.runs_code for verifier in self.verifiers(config))

    def prompt_names(self, problem: Problem, config: ConfigT) -> tuple[str, ...]:
        """Names of all prompt files that a run for ``problem`` under ``config`` uses."""
        return (*self.prompts(problem), *(name for verifier in self.verifiers(config) for name in verifier.prompts(problem)))

    def check(
        self, problem: Problem, config: ConfigT, team: Mapping[str, ModelSpec], others: Mapping[str, Strategy[Any]]
    ) -> None:
        """Raise before anything is spent if this strategy cannot work on ``problem`` under ``config`` with ``team``."""
        if problem.answer_kind not in self.kinds:
            able = sorted(name for name, other in others.items() if problem.answer_kind in other.kinds)
            raise ProblemError(
                f"{self.name} cannot compare answers of kind {problem.answer_kind}",
                hint=f"use {' or '.join(able)}" if able else None,
            )
        if self.judges and not problem.solutions:
            raise ProblemError(f"{self.name} judges solutions, and the problem has none", hint="give it some in `solutions`")
        self.accepts(config, problem)
        for role, needed in self.needs(config).items():
            missing = needed - team[role].abilities
            if missing:
                names = ", ".join(sorted(missing))
                hint = "; ".join(f"{each} is to be had from {HAD_FROM[each]}" for each in sorted(missing & HAD_FROM.keys()))
                raise MissingAbilityError(
                    f"{self.name} needs {names} of its {role}; {team[role].name} has not", hint=hint or None
                )
        for verifier in self.verifiers(config):
            verifier.check(team)

    async def run(self, scope: Scope, problem: Problem, config: ConfigT) -> Outcome:
        """Run the graph in ``scope`` and return what it decided.

        Inside a node of another graph LangGraph would make this one a subgraph: saved by that graph's checkpointer, resumed
        from there past nodes whose candidates are in our journal, and shown in its streams. It is kept apart.
        """
        from langchain_core.runnables.config import var_child_runnable_config  # noqa: PLC0415 - loaded with the graph

        token = var_child_runnable_config.set(None)
        try:
            state = await self.build().ainvoke(
                {},
                context=Context(scope=scope, problem=problem, config=config),
                config={"recursion_limit": _RECURSION_LIMIT},
            )
        finally:
            var_child_runnable_config.reset(token)
        outcome: Outcome = state["outcome"]
        return outcome

    def as_node(
        self, session: Host, *, read: Read | None = None, write: Write | None = None, **embedding: Unpack[Embedding]
    ) -> Node:
        """This strategy as an async node of your own LangGraph graph.

        With a checkpointer, resuming a thread goes on with the run that was under way; see :mod:`.embedding` for what holds.
        Events reach ``stream_mode="custom"`` as ``{"symposia": {"run_id": …, "type": …, …}}``.

        Args:
            session: an open session of this event loop, or the module ``symposia`` for the process's default one.
            read: from your state to a question, messages or a :class:`Problem`; by default the last user message of
                ``messages``, or ``question``.
            write: from the :class:`Result` and your state to an update; by default a new assistant message in ``messages``,
                or ``answer`` where the state has no messages.
            **embedding: see :class:`.embedding.Embedding`.

        Raises :class:`UsageError` here for wrong options, and in the node for what is wrong with a question or a team.
        """
        from .embedding import Embedded  # noqa: PLC0415 - it needs LangGraph, which registry entries do not load

        return Embedded(self, session, embedding, read=read, write=write).node()

    def as_graph(self, session: Host, **embedding: Unpack[Embedding]) -> CompiledStateGraph[Any, Any, Any, Any]:
        """This strategy as a compiled graph, to be used alone or as a subgraph; arguments as for :meth:`as_node`.

        Input: ``messages`` or ``question``. Output: ``answer``, the new message in ``messages`` where there were any, and
        ``symposia_result``, a small record of the result (``run_id``, ``status``, ``confidence``, …).
        """
        from .embedding import Embedded  # noqa: PLC0415 - as above

        return Embedded(self, session, embedding).graph()
