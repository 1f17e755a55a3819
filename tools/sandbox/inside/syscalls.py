"""The system calls that code in the sandbox may make, with their numbers on the machines that we know.

Everything that is not here is refused: other programs and processes, other memory, networks, mounts, namespaces, keys, tracing,
kernel modules. A list of what is allowed stays right when kernels learn more.
"""

from __future__ import annotations

from typing import NamedTuple

_FILES = """
read 0 63; write 1 64; readv 19 65; writev 20 66; pread64 17 67; pwrite64 18 68; preadv 295 69; pwritev 296 70;
preadv2 327 286; pwritev2 328 287; open 2 -; openat 257 56; creat 85 -; close 3 57; close_range 436 436; stat 4 -;
fstat 5 80; lstat 6 -; newfstatat 262 79; statx 332 291; access 21 -; faccessat 269 48; faccessat2 439 439; lseek 8 62;
getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80 49; fchdir 81 50; rename 82 -; renameat 264 38;
renameat2 316 276; mkdir 83 -; mkdirat 258 34; rmdir 84 -; unlink 87 -; unlinkat 263 35; link 86 -; linkat 265 37;
symlink 88 -; symlinkat 266 36; readlink 89 -; readlinkat 267 78; chmod 90 -; fchmod 91 52; fchmodat 268 53;
truncate 76 45; ftruncate 77 46; fallocate 285 47; fsync 74 82; fdatasync 75 83; utimensat 280 88; utime 132 -;
utimes 235 -; futimesat 261 -; flock 73 32; fcntl 72 25; dup 32 23; dup2 33 -; dup3 292 24; pipe 22 -; pipe2 293 59;
umask 95 166; statfs 137 43; fstatfs 138 44; sendfile 40 71; copy_file_range 326 285; fadvise64 221 223; ioctl 16 29
"""
"""Files that are already there or that the working folder takes."""

_MEMORY = """
mmap 9 222; mprotect 10 226; munmap 11 215; mremap 25 216; brk 12 214; madvise 28 233; msync 26 227; mincore 27 232;
membarrier 324 283; rseq 334 293
"""
"""Its own memory."""

_THREADS = """
futex 202 98; futex_waitv 449 449; set_robust_list 273 99; get_robust_list 274 100; set_tid_address 218 96; exit 60 93;
exit_group 231 94; gettid 186 178; getpid 39 172; getppid 110 173; getpgid 121 155; getpgrp 111 -; getsid 124 156;
getuid 102 174; geteuid 107 175; getgid 104 176; getegid 108 177; getresuid 118 148; getresgid 120 150;
getgroups 115 158; wait4 61 260; waitid 247 95; restart_syscall 219 128; arch_prctl 158 -; getcpu 309 168;
sched_yield 24 124; sched_getaffinity 204 123; sched_getparam 143 121; sched_getscheduler 145 120;
sched_get_priority_max 146 125; sched_get_priority_min 147 126; getpriority 140 141; sysinfo 99 179; uname 63 160;
getrandom 318 278; getrusage 98 165; getrlimit 97 163; setrlimit 160 164; times 100 153
"""
"""Its own threads, who and where it is."""

_SIGNALS = """
rt_sigaction 13 134; rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigpending 127 136; rt_sigsuspend 130 133;
rt_sigtimedwait 128 137; sigaltstack 131 132; pause 34 -; alarm 37 -;
setitimer 38 103; getitimer 36 102
"""
"""Signals; sending one is a matter of its own."""

_CLOCKS = """
nanosleep 35 101; clock_nanosleep 230 115; clock_gettime 228 113; clock_getres 229 114; gettimeofday 96 169; time 201 -;
timer_create 222 107; timer_settime 223 110; timer_gettime 224 108; timer_getoverrun 225 109; timer_delete 226 111
"""
"""Clocks and timers."""

_WAITING = """
select 23 -; pselect6 270 72; poll 7 -; ppoll 271 73; epoll_create 213 -; epoll_create1 291 20; epoll_ctl 233 21;
epoll_wait 232 -; epoll_pwait 281 22; epoll_pwait2 441 441; eventfd 284 -; eventfd2 290 19; timerfd_create 283 85;
timerfd_settime 286 86; timerfd_gettime 287 87; socketpair 53 199; sendto 44 206; recvfrom 45 207; sendmsg 46 211;
recvmsg 47 212; shutdown 48 210; getsockopt 55 209; setsockopt 54 208; getsockname 51 204; getpeername 52 205
"""
"""Waiting, and pairs of sockets that lead nowhere else: what asyncio is made of."""


class Machine(NamedTuple):
    """What the filter must know of a kind of processor."""

    audit: int
    """How seccomp calls it: AUDIT_ARCH_*."""
    allowed: tuple[int, ...]
    clone: int
    """Allowed for threads only."""
    kill: tuple[int, int]
    """``kill`` and ``tgkill``: allowed for oneself only."""
    prctl: int
    """Allowed for the name of a thread only."""
    prlimit: int
    """Allowed for oneself only."""
    clone3: int
    """Said not to exist, because what it is asked for cannot be looked at; the C library then uses ``clone``."""


NEWEST = 462
"""The highest number that any of today's calls has. What comes later is said not to exist, so that its callers do without it."""


def _column(index: int) -> tuple[int, ...]:
    text = f"{_FILES};{_MEMORY};{_THREADS};{_SIGNALS};{_CLOCKS};{_WAITING}"
    numbers = (call.split()[index] for call in text.split(";") if call.strip())
    return tuple(sorted(int(number) for number in numbers if number != "-"))


MACHINES = {
    "x86_64": Machine(audit=0xC000003E, allowed=_column(1), clone=56, kill=(62, 234), prctl=157, prlimit=302, clone3=435),
    "aarch64": Machine(audit=0xC00000B7, allowed=_column(2), clone=220, kill=(129, 131), prctl=167, prlimit=261, clone3=435),
}
"""By what :func:`platform.machine` says."""
