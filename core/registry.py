"""Registries over entry points: how our own parts and those of other packages are found by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from .errors import ConfigError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """What the entry points of one group offer, loaded one by one when asked for.

    Args:
        group: the entry-point group, such as ``symposia.strategies``.
        kind: what an entry is, for sentences: ``strategy``.
        form: what an entry must be an instance of; with ``classes`` an entry is a subclass of it.
    """

    def __init__(self, group: str, kind: str, form: type, *, classes: bool = False) -> None:
        self.group = group
        self.kind = kind
        self._form = form
        self._classes = classes
        self._added: list[tuple[str, T]] = []

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """Every name, sorted. Loads nothing."""
        return sorted({*self._entries, *dict(self._added)})

    def package(self, name: str) -> str | None:
        """The distribution that brings an entry; None where none does. Loads nothing."""
        entry = None if name in dict(self._added) else self._entries.get(name)
        return entry.dist.name if entry is not None and entry.dist is not None else None

    def get(self, name: str) -> T:
        """Load the entry ``name``. Raises :class:`UnknownNameError`, or :class:`ConfigError` where its package is broken."""
        added = dict(self._added)  # of one name the last
        if name in added:
            return added[name]
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownNameError(self.kind, name, self.names())
        try:
            found = entry.load()
        except Exception as error:  # importing runs another package's code, which can raise anything
            said = str(error) or type(error).__name__
            raise ConfigError(f"{self.kind} {name!r} ({entry.value}) cannot be loaded: {said}") from error
        if not self._fits(found):
            what = "subclass of " if self._classes else ""
            raise ConfigError(f"{self.kind} {name!r} ({entry.value}) is not a {what}{self._form.__name__}")
        return cast("T", found)

    def _fits(self, found: object) -> bool:
        if self._classes:
            return isinstance(found, type) and issubclass(found, self._form)
        return isinstance(found, self._form)

    def all(self) -> dict[str, T]:
        """Every entry by name but for those whose package is :meth:`broken`: it must not take the others with it."""
        broken = self.broken()
        return {name: self.get(name) for name in self.names() if name not in broken}

    def broken(self) -> dict[str, ConfigError]:
        """What is wrong with the entries that cannot be loaded, by name."""
        found = {}
        for name in self.names():
            try:
                self.get(name)
            except ConfigError as error:
                found[name] = error
        return found

    @contextmanager
    def having(self, name: str, entry: T) -> Iterator[None]:
        """Know ``entry`` by ``name`` in this process while the block lasts, installed or not: for tests and notebooks."""
        item = (name, entry)
        self._added.append(item)
        try:
            yield
        finally:  # whichever of several blocks ends first: each takes away its own
            self._added = [other for other in self._added if other is not item]
