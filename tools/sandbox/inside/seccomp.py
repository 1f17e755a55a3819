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

_LOAD, _EQUALS, _ABOVE, _FROM, _HAS, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
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
    allowed = [step for first, last in _runs(machine.allowed) for step in _if_between(first, last, _return(_ALLOW))]
    steps = [
        _step(_LOAD, _MACHINE),
        _step(_EQUALS, machine.audit, yes=1),
        _return(_KILL),
        _step(_LOAD, _NUMBER),
        _step(_ABOVE, NEWEST, no=1),
        _return(_ERROR | errno.ENOSYS),
        *allowed,
        *_if_call(machine.clone3, [_return(_ERROR | errno.ENOSYS)]),
        *_if_call(machine.clone, _if_argument(_HAS, _CLONE_THREAD)),
        *(step for number in machine.kill for step in _if_call(number, _if_argument(_EQUALS, process))),
        *_if_call(machine.prlimit, _if_argument(_EQUALS, 0)),
        *_if_call(machine.prctl, _if_argument(_EQUALS, _PR_SET_NAME, _PR_GET_NAME)),
        _return(_ERROR | errno.EPERM),
    ]
    return b"".join(steps)


class Filter:
    """The filter for this machine. Raises :class:`OSError` where the machine is not known."""

    def __init__(self) -> None:
        known = MACHINES.get(platform.machine())
        if known is None:
            raise OSError(errno.ENOTSUP, f"no filter of system calls is known for {platform.machine()}")
        self._program = filter_program(known, _SOMEBODY)
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def install(self) -> None:
        """Hold this thread, and every one it starts, to the filter from now on. Raises :class:`OSError` where that fails."""
        program = self._program.replace(struct.pack("=I", _SOMEBODY), struct.pack("=I", os.getpid()))
        steps = ctypes.create_string_buffer(program, len(program))
        record = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
        zero = ctypes.c_ulong(0)
        if self._prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) or self._prctl(
            _PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), record, zero, zero
        ):
            raise OSError(ctypes.get_errno(), "the filter of system calls is refused")


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """An instruction; ``yes`` and ``no`` say how many to skip where a comparison holds and where it does not."""
    return struct.pack("=HBBI", code, yes, no, value)


def _return(verdict: int) -> bytes:
    return _step(_RETURN, verdict)


def _runs(numbers: tuple[int, ...]) -> list[tuple[int, int]]:
    """Ascending numbers as runs without a gap, first and last of each: a shorter program, which costs less to install."""
    firsts = [number for number in numbers if number - 1 not in numbers]
    lasts = [number for number in numbers if number + 1 not in numbers]
    return list(zip(firsts, lasts, strict=True))


def _if_between(first: int, last: int, then: bytes) -> list[bytes]:
    return [_step(_FROM, first, no=2), _step(_ABOVE, last, yes=1), then]


def _if_call(number: int, then: list[bytes]) -> list[bytes]:
    """``then`` for the call of this number; ``then`` must end in a return, because it may load something else."""
    return [_step(_EQUALS, number, no=len(then)), *then]


def _if_argument(comparison: int, *values: int) -> list[bytes]:
    """Allowed where the first argument compares with one of ``values``, else not permitted."""
    tests = [_step(comparison, value, yes=len(values) - index) for index, value in enumerate(values)]
    return [_step(_LOAD, _FIRST_ARGUMENT), *tests, _return(_ERROR | errno.EPERM), _return(_ALLOW)]
