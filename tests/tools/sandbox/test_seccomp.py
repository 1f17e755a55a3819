"""The filter of system calls, run by a slow interpreter of its own: what it says of each call on each machine."""

from __future__ import annotations

import errno
import struct

import pytest

from symposia.tools.sandbox.inside import seccomp
from symposia.tools.sandbox.inside.seccomp import filter_program
from symposia.tools.sandbox.inside.syscalls import MACHINES, NEWEST, Machine

ME = 4711
ALLOW, KILL = 0x7FFF0000, 0x80000000
NOT_PERMITTED, NOT_THERE = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CLONE_THREAD, CLONE_NEWUSER = 0x10000, 0x10000000


def verdict(program: bytes, *, machine: int, number: int, argument: int = 0) -> int:
    """What the kernel's interpreter of classic BPF would return for a call."""
    record = struct.pack("<iIQ6Q", number, machine, 0, argument, 0, 0, 0, 0, 0)
    steps = list(struct.iter_unpack("=HBBI", program))
    position = word = 0
    while True:
        code, yes, no, value = steps[position]
        position += 1
        if code == 0x20:
            word = struct.unpack_from("<I", record, value)[0]
        elif code == 0x06:
            return value
        else:
            holds = {0x15: word == value, 0x25: word > value, 0x35: word >= value, 0x45: bool(word & value)}[code]
            position += yes if holds else no


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> Machine:
    return MACHINES[request.param]


def said(machine: Machine, number: int, argument: int = 0) -> int:
    return verdict(filter_program(machine, ME), machine=machine.audit, number=number, argument=argument)


def test_a_call_is_allowed_if_and_only_if_it_is_listed(machine: Machine) -> None:
    ruled = {machine.clone, machine.clone3, machine.prctl, machine.prlimit, *machine.kill}
    assert not ruled & set(machine.allowed)
    for number in set(range(NEWEST + 1)) - ruled:
        assert said(machine, number) == (ALLOW if number in machine.allowed else NOT_PERMITTED), number


def test_calls_of_later_kernels_and_of_other_forms_are_not_there(machine: Machine) -> None:
    for number in (NEWEST + 1, 600, 0x40000000, 0x40000000 | machine.clone, 0x7FFFFFFF, -1):
        assert said(machine, number) == NOT_THERE
    assert said(machine, machine.clone3) == NOT_THERE


def test_a_call_in_the_manner_of_another_machine_ends_the_process(machine: Machine) -> None:
    program = filter_program(machine, ME)
    for other in {each.audit for each in MACHINES.values()} - {machine.audit} | {0x40000003}:
        assert verdict(program, machine=other, number=machine.allowed[0]) == KILL


def test_threads_may_be_made_and_processes_not(machine: Machine) -> None:
    assert said(machine, machine.clone, CLONE_THREAD | 0x3D0F00) == ALLOW
    assert said(machine, machine.clone, 17) == NOT_PERMITTED
    assert said(machine, machine.clone, CLONE_NEWUSER) == NOT_PERMITTED


def test_a_program_made_for_somebody_is_that_of_the_process_it_is_put_into(machine: Machine) -> None:
    made = filter_program(machine, seccomp._SOMEBODY)
    assert made.replace(struct.pack("=I", seccomp._SOMEBODY), struct.pack("=I", ME)) == filter_program(machine, ME)


def test_signals_and_limits_are_for_oneself_only(machine: Machine) -> None:
    for number in machine.kill:
        assert said(machine, number, ME) == ALLOW
        for other in (0, 1, ME + 1, 0xFFFFFFFF):
            assert said(machine, number, other) == NOT_PERMITTED
    assert said(machine, machine.prlimit, 0) == ALLOW
    assert said(machine, machine.prlimit, 1) == NOT_PERMITTED


def test_only_the_name_of_a_thread_can_be_set_by_prctl(machine: Machine) -> None:
    assert [said(machine, machine.prctl, option) for option in (15, 16)] == [ALLOW, ALLOW]
    assert {said(machine, machine.prctl, option) for option in (1, 4, 8, 22, 24, 36, 38)} == {NOT_PERMITTED}


@pytest.mark.parametrize(
    ("name", "x86_64", "aarch64"),
    [
        ("execve", 59, 221),
        ("execveat", 322, 281),
        ("socket", 41, 198),
        ("connect", 42, 203),
        ("ptrace", 101, 117),
        ("mount", 165, 40),
        ("unshare", 272, 97),
        ("setns", 308, 268),
        ("bpf", 321, 280),
        ("perf_event_open", 298, 241),
        ("keyctl", 250, 219),
        ("io_uring_setup", 425, 425),
        ("memfd_create", 319, 279),
        ("shmget", 29, 194),
        ("process_vm_writev", 311, 271),
        ("pidfd_open", 434, 434),
        ("setuid", 105, 146),
    ],
)
def test_what_escapes_are_made_of_is_refused(name: str, x86_64: int, aarch64: int) -> None:
    assert said(MACHINES["x86_64"], x86_64) == NOT_PERMITTED, name
    assert said(MACHINES["aarch64"], aarch64) == NOT_PERMITTED, name
