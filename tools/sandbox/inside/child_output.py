"""What a child writes, as far as it is kept: in pages that are given back, so that no later child is forked with them."""

from __future__ import annotations

import os

from .frames import own_pages, write_all


class Collected:
    """Reads three pipes: stdout and stderr, together up to ``output`` bytes, and a report up to ``report`` bytes."""

    def __init__(self, readers: list[int], output: int, report: int) -> None:
        self.open = set(readers)
        self.over: str | None = None
        """What was too much: ``output``, ``report``, or ``files``, which others count."""
        self._readers = readers
        self._most = (output, report)
        self._pages = [own_pages(most + 1) for most in (output, output, report)]  # a byte more tells that it is too much
        self._read = [0, 0, 0]
        for reader in readers:
            os.set_blocking(reader, False)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Bytes that are kept of each."""
        output, report = self._most
        stdout = min(self._read[0], output)
        return stdout, min(self._read[1], output - stdout), min(self._read[2], report)

    def read(self, reader: int) -> int | None:
        """Take what is there: how many bytes, 0 where the pipe has ended or is full enough, None where nothing is there yet."""
        index = self._readers.index(reader)
        with memoryview(self._pages[index]) as view, view[self._read[index] :] as room:
            if not room:
                return 0
            try:
                read = os.readv(reader, [room])
            except BlockingIOError:
                return None
        self._read[index] += read
        if not read:
            self._close(reader)
        elif self._read[0] + self._read[1] > self._most[0]:
            self.over = self.over or "output"
        elif self._read[2] > self._most[1]:
            self.over = self.over or "report"
        return read

    def finish(self) -> None:
        """Take what is left, after the child has ended."""
        for reader in tuple(self.open):
            while self.read(reader):
                pass
        for reader in tuple(self.open):
            self._close(reader)

    def hand_over(self, descriptor: int) -> None:
        """Write what is kept and forget it."""
        for pages, size in zip(self._pages, self.sizes, strict=True):
            with pages, memoryview(pages) as view, view[:size] as kept:
                write_all(descriptor, kept)

    def _close(self, reader: int) -> None:
        self.open.discard(reader)
        os.close(reader)
