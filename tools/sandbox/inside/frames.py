"""Messages over a pipe: four bytes of length, then as many bytes."""

from __future__ import annotations

import mmap
import os
import struct

HEAD = struct.Struct(">I")


def framed(data: bytes) -> bytes:
    """``data`` as a message."""
    return HEAD.pack(len(data)) + data


def read_frame(descriptor: int) -> bytes | None:
    """The next message, waiting for it. None where the other end is gone."""
    pages = read_pages(descriptor)
    if pages is None:
        return None
    with pages:
        return pages[:-1]


def read_pages(descriptor: int) -> mmap.mmap | None:
    """The next message in pages of its own, with one byte behind it; closed, nothing of it is left in this process."""
    head = bytearray(HEAD.size)
    if not _fill(descriptor, head):
        return None
    pages = own_pages(HEAD.unpack(head)[0] + 1)  # pages of no size cannot be had
    with memoryview(pages) as view, view[:-1] as message:
        return pages if _fill(descriptor, message) else None


def own_pages(size: int) -> mmap.mmap:
    """Empty memory apart from all other. Not shared with children: what is shared costs the kernel a file."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write everything. Raises :class:`OSError` where nobody reads any more."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(descriptor, view[done:])


def _fill(descriptor: int, place: bytearray | memoryview) -> bool:
    """Read until ``place`` is full. False where the other end is gone before."""
    with memoryview(place) as view:
        done = 0
        while done < len(view):
            with view[done:] as rest:
                read = os.readv(descriptor, [rest])
            if not read:
                return False
            done += read
    return True
