"""A filter that the kernel holds every system call of a process against; it can be made stricter afterwards, never looser.

It is a program in the kernel's classic BPF: instructions of eight bytes that load a word of the call's record, compare, jump
forward and return a verdict. See ``man 2 seccomp``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from .syscalls import MACHINES, NEWEST, Machine

_LOAD, _EQUALS, _FROM, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
"""Where the call's number, the machine and the low half of the first argument stand in the record (little-endian)."""
_KILL, _ALLOW, _ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_CLONE_THREAD = 0x10000
_SOMEBODY = 0x5E1F5E1F
"""Stands for the process that the filter will be for, in a program that is made before it."""
_PR_SET_NAME, _PR_GET_NAME = 15, 16
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2


def filter_program(machine: Machine, process: int) -> bytes:
    """The program for ``process``: a thread may be made but no process, signals go to itself; the rest is "not permitted"."""
    allowed, refused, not_there = _return(_ALLOW), _return(_ERROR | errno.EPERM), _return(_ERROR | errno.ENOSYS)
    rules = {
        **dict.fromkeys(machine.allowed, allowed),
        machine.clone3: not_there,
        machine.clone: _if_argument(_HAS, _CLONE_THREAD),
        **dict.fromkeys(machine.kill, _if_argument(_EQUALS, process)),
        machine.prlimit: _if_argument(_EQUALS, 0),
        machine.prctl: _if_argument(_EQUALS, _PR_SET_NAME, _PR_GET_NAME),
        NEWEST + 1: not_there,
    }
    said = [rules.get(number, refused) for number in range(NEWEST + 2)]
    spans = [(number, steps) for number, steps in enumerate(said) if number == 0 or steps != said[number - 1]]
    known = [_step(_LOAD, _MACHINE), _step(_EQUALS, machine.audit, yes=1), _return(_KILL), _step(_LOAD, _NUMBER)]
    return b"".join([*known, _search(spans)])


class Filter:
    """The filter for this machine, made as far as it can be, so that little is left to do in the process of each snippet.

    Making it gives up new rights for good: no program that this process executes has more than it has. Raises :class:`OSError`
    where the machine is not known or the kernel refuses.
    """

    def __init__(self) -> None:
        known = MACHINES.get(platform.machine())
        if known is None:
            raise OSError(errno.ENOTSUP, f"no filter of system calls is known for {platform.machine()}")
        program, somebody = filter_program(known, _SOMEBODY), struct.pack("=I", _SOMEBODY)
        self._steps = ctypes.create_string_buffer(program, len(program))
        self._processes = [place for place in range(len(program)) if program.startswith(somebody, place)]
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        record, zero = struct.pack("@HP", len(program) // 8, ctypes.addressof(self._steps)), ctypes.c_ulong(0)
        self._request = (_PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), record, zero, zero)
        self._ask(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero)  # without it the kernel takes no filter

    def install(self) -> None:
        """Hold this thread, and every one it starts, to the filter from now on. Raises :class:`OSError` where that fails."""
        for place in self._processes:
            struct.pack_into("=I", self._steps, place, os.getpid())
        self._ask(*self._request)

    def _ask(self, *request: object) -> None:
        if self._prctl(*request):
            raise OSError(ctypes.get_errno(), "the filter of system calls is refused")


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """An instruction; ``yes`` and ``no`` say how many to skip where a comparison holds and where it does not."""
    return struct.pack("=HBBI", code, yes, no, value)


def _return(verdict: int) -> bytes:
    return _step(_RETURN, verdict)


def _search(spans: list[tuple[int, bytes]]) -> bytes:
    """What to do with the number that is loaded. ``spans`` say from which number on what is done; all of it ends in a return.

    By halves: the kernel runs the program for every number there is when it takes it, for each process anew.
    """
    if len(spans) == 1:
        return spans[0][1]
    middle = len(spans) // 2
    below = _search(spans[:middle])
    return _step(_FROM, spans[middle][0], yes=len(below) // 8) + below + _search(spans[middle:])


def _if_argument(comparison: int, *values: int) -> bytes:
    """Allowed where the first argument compares with one of ``values``, else not permitted."""
    tests = [_step(comparison, value, yes=len(values) - index) for index, value in enumerate(values)]
    return b"".join([_step(_LOAD, _FIRST_ARGUMENT), *tests, _return(_ERROR | errno.EPERM), _return(_ALLOW)])
