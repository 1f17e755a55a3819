"""Code that means harm, and its harmless twins: what a model may write by accident or on purpose.

``CANARY`` is a folder of the host that must be neither read nor changed, ``PORT`` a port on which the host listens; code gets
both as global variables. An ending is what the sandbox must give; several where systems differ in which limit is met first.
"""

from __future__ import annotations

from typing import NamedTuple

OK, ERROR, UNSUPPORTED, DENIED = "ok", "error", "unsupported", "denied"
TIME, MEMORY, OUTPUT, CRASHED = "time", "memory", "output", "crashed"


class Case(NamedTuple):
    """One hostile snippet and its twin, which uses the same feature and does no harm."""

    name: str
    hostile: str
    monty: str
    """How the hostile snippet ends there: endings, with bars between them."""
    bubblewrap: str
    twin: str
    value: object
    """Of the twin's last expression."""
    twin_on_monty: str = OK
    """How the twin ends where monty has no such feature."""


FILES = [
    Case(
        "read a secret",
        "open(CANARY + '/secret').read()",
        DENIED,
        DENIED,
        "with open('note', 'w') as f:\n    f.write('x')\nopen('note').read()",
        "x",
        DENIED,
    ),
    Case(
        "plant a file",
        "open(CANARY + '/planted', 'w').write('x')",
        DENIED,
        DENIED,
        "from pathlib import Path\nPath('note').write_text('x')",
        1,
        DENIED,
    ),
    Case(
        "delete a tree",
        "import shutil\nshutil.rmtree(CANARY)",
        UNSUPPORTED,
        DENIED,
        "import os, shutil\nos.makedirs('a/b')\nshutil.rmtree('a')\nos.listdir('.')",
        [],
        UNSUPPORTED,
    ),
    Case(
        "list a folder of the host",
        "import os\nos.listdir(CANARY)",
        DENIED,
        DENIED,
        "import os\nos.mkdir('a')\nos.listdir('.')",
        ["a"],
        DENIED,
    ),
    Case(
        "fill the disk",
        "f = open('big', 'wb')\nwhile True:\n    f.write(b'x' * 2**20)",
        DENIED,
        DENIED,
        "with open('small', 'wb') as f:\n    n = f.write(b'x' * 1000)\nn",
        1000,
        DENIED,
    ),
    Case(
        "fill the disk with many files",
        "for i in range(1000):\n    open(str(i), 'wb').write(b'x' * 100_000)",
        DENIED,
        DENIED,
        "import os\nfor i in range(10):\n    open(str(i), 'w').close()\nlen(os.listdir('.'))",
        10,
        DENIED,
    ),
    Case(
        "make files without end",
        "import os\ni = 0\nwhile True:\n    i += 1\n    os.close(os.open(str(i), os.O_CREAT))",
        UNSUPPORTED,
        DENIED,
        "import os\nos.close(os.open('a', os.O_CREAT))\nos.path.getsize('a')",
        0,
        UNSUPPORTED,
    ),
]

NETWORK = [
    Case(
        "connect to the host",
        "import socket\nsocket.create_connection(('127.0.0.1', PORT), timeout=5)",
        UNSUPPORTED,
        DENIED,
        "import socket\na, b = socket.socketpair()\na.send(b'x')\nb.recv(1) == b'x'",
        True,
        UNSUPPORTED,
    ),
    Case(
        "open a port",
        "import socket\nsocket.create_server(('0.0.0.0', 0))",
        UNSUPPORTED,
        DENIED,
        "import socket\nsocket.htons(1) > 0",
        True,
        UNSUPPORTED,
    ),
    Case(
        "ask a server",
        "import urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{PORT}/', timeout=5)",
        UNSUPPORTED,
        DENIED,
        "import urllib.parse\nurllib.parse.quote('a b')",
        "a%20b",
        UNSUPPORTED,
    ),
    Case(
        "look up a name",
        "import socket\nsocket.getaddrinfo('localhost', PORT)\nsocket.getaddrinfo('example.com', 80)",
        UNSUPPORTED,
        DENIED,
        "import ipaddress\nipaddress.ip_address('127.0.0.1').is_loopback",
        True,
        UNSUPPORTED,
    ),
]

FORK_BOMBS = [
    Case(
        "fork without end",
        "import os\nwhile True:\n    os.fork()",
        UNSUPPORTED,
        DENIED,
        "import os\nos.getpid() > 1",
        True,
        UNSUPPORTED,
    ),
    Case(
        "start a shell",
        "import subprocess\nsubprocess.Popen(['/bin/sh', '-c', ':(){ :|:& };:'])",
        UNSUPPORTED,
        DENIED,
        "import subprocess\nsubprocess.list2cmdline(['a', 'b c'])",
        'a "b c"',
        UNSUPPORTED,
    ),
    Case(
        "start a process of Python",
        "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print)\np.start()",
        UNSUPPORTED,
        DENIED,
        "from concurrent.futures import ThreadPoolExecutor as P\nwith P(2) as pool:\n    r = list(pool.map(abs, [-1, -2]))\nr",
        [1, 2],
        UNSUPPORTED,
    ),
    Case(
        "become another program",
        "import os\nos.execv('/python/bin/python3', ['python3', '-c', 'while True: pass'])",
        UNSUPPORTED,
        DENIED,
        "x = 1\nexec('x += 1')\nx",
        2,
    ),
    Case(
        "spawn another program",
        "import os\nos.posix_spawn('/bin/sh', ['sh'], {})",
        UNSUPPORTED,
        DENIED,
        "import shlex\nshlex.split('a \"b c\"')",
        ["a", "b c"],
        UNSUPPORTED,
    ),
]

MEMORY_HOGS = [
    Case("a list too long", "x = [0] * 10**10", MEMORY, MEMORY, "len([0] * 10**5)", 100_000),
    Case(
        "a text that doubles",
        "s = 'x'\nwhile True:\n    s += s",
        MEMORY,
        MEMORY,
        "s = 'x'\nfor _ in range(10):\n    s += s\nlen(s)",
        1024,
    ),
    Case(
        "a dictionary that grows",
        "d = {}\ni = 0\nwhile True:\n    d[i] = [i] * 1000\n    i += 1",
        MEMORY,
        MEMORY,
        "d = {i: [i] * 10 for i in range(100)}\nlen(d)",
        100,
    ),
    Case("every number", "list(range(10**9))", MEMORY, MEMORY, "len(list(range(1000)))", 1000),
]

ENDLESS_OUTPUT = [
    Case("print without end", "while True:\n    print('spam' * 100)", OUTPUT, OUTPUT, "print('spam')", None),
    Case(
        "complain without end",
        "import sys\nwhile True:\n    print('x' * 100, file=sys.stderr)",
        OUTPUT,
        OUTPUT,
        "import sys\nprint('x', file=sys.stderr)\n1",
        1,
    ),
    Case("one endless line", "print('x' * 10**7)", OUTPUT, OUTPUT, "print('x' * 10**3)\n1", 1),
    Case("an endless value", "'x' * (2 * 2**20)", ERROR, ERROR, "'x' * 10", "xxxxxxxxxx"),
    Case(
        "a small value with an endless text",
        "x = [0]\nfor _ in range(50):\n    x = [x, x]\nx",
        ERROR,
        ERROR,
        "x = [0]\n[x, x]",
        [[0], [0]],
    ),
]

SIGNALS = [
    Case(
        "kill process 1", "import os\nos.kill(1, 9)", UNSUPPORTED, DENIED, "import os\nos.kill(os.getpid(), 0)", None, UNSUPPORTED
    ),
    Case(
        "kill everything",
        "import os\nos.kill(-1, 9)",
        UNSUPPORTED,
        DENIED,
        "import signal as s\ngot = []\ns.signal(s.SIGUSR1, lambda *_: got.append(1))\ns.raise_signal(s.SIGUSR1)\ngot",
        [1],
        UNSUPPORTED,
    ),
    Case(
        "hear nothing and go on",
        "import signal\nfor n in signal.valid_signals() - {9, 19}:\n    signal.signal(n, signal.SIG_IGN)\nwhile True:\n    pass",
        UNSUPPORTED,
        f"{TIME}|{ERROR}",
        "import signal\nsignal.strsignal(signal.SIGINT) is not None",
        True,
        UNSUPPORTED,
    ),
    Case(
        "die by a signal",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
        UNSUPPORTED,
        CRASHED,
        "import signal\nint(signal.SIGKILL)",
        9,
        UNSUPPORTED,
    ),
]

PROC = [
    Case(
        "the environment of process 1",
        "open('/proc/1/environ', 'rb').read()",
        DENIED,
        DENIED,
        "import os\nos.environ['HOME']",
        "/work",
        DENIED,
    ),
    Case(
        "list the processes",
        "import os\nos.listdir('/proc')",
        DENIED,
        DENIED,
        "import os\nos.cpu_count() >= 1",
        True,
        UNSUPPORTED,
    ),
    Case(
        "the root of a process",
        "open('/proc/self/root' + CANARY + '/secret').read()",
        DENIED,
        DENIED,
        "import resource\nresource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0",
        True,
        UNSUPPORTED,
    ),
    Case(
        "the memory of the machine",
        "open('/dev/mem', 'rb').read(1)",
        DENIED,
        DENIED,
        "open('/dev/null', 'w').write('x')",
        1,
        DENIED,
    ),
]

SYMLINKS = [
    Case(
        "a link to a secret",
        "import os\nos.symlink(CANARY + '/secret', 'link')\nopen('link').read()",
        UNSUPPORTED,
        DENIED,
        "import os\nopen('note', 'w').close()\nos.symlink('note', 'link')\nos.readlink('link')",
        "note",
        f"{DENIED}|{UNSUPPORTED}",
    ),
    Case(
        "out by the way up",
        "open('../../../../../..' + CANARY + '/secret').read()",
        DENIED,
        DENIED,
        "import os\nos.mkdir('a')\nopen('a/../note', 'w').write('x')",
        1,
        DENIED,
    ),
    Case(
        "another name for a file",
        "import os\nos.link(CANARY + '/secret', 'link')",
        UNSUPPORTED,
        DENIED,
        "import os\nopen('a', 'w').close()\nos.link('a', 'b')\nsorted(os.listdir('.'))",
        ["a", "b"],
        f"{DENIED}|{UNSUPPORTED}",
    ),
    Case(
        "another working folder",
        "import os\nos.rename('/work', '/old')\nos.symlink(CANARY, '/work')",
        DENIED,
        DENIED,
        "import os\nos.mkdir('a')\nos.rename('a', 'b')\nos.listdir('.')",
        ["b"],
        DENIED,
    ),
]

_C = "import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\n"
_REFUSED = "\nif r < 0:\n    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))"
CTYPES = [
    Case(
        "fork below Python",
        f"{_C}r = c.fork(){_REFUSED}",
        UNSUPPORTED,
        DENIED,
        "import ctypes\nctypes.CDLL(None).abs(-3)",
        3,
        UNSUPPORTED,
    ),
    Case(
        "read from nowhere",
        "import ctypes\nctypes.string_at(0)",
        UNSUPPORTED,
        CRASHED,
        "import ctypes\nctypes.string_at(b'abc').decode()",
        "abc",
        UNSUPPORTED,
    ),
    Case(
        "namespaces of its own",
        f"{_C}r = c.unshare(0x10000000){_REFUSED}",
        UNSUPPORTED,
        DENIED,
        "import ctypes\nctypes.sizeof(ctypes.c_int64)",
        8,
        UNSUPPORTED,
    ),
    Case(
        "mount",
        f"{_C}r = c.mount(b'none', b'/work', b'tmpfs', 0, None){_REFUSED}",
        UNSUPPORTED,
        DENIED,
        "import ctypes\nctypes.c_uint8(257).value",
        1,
        UNSUPPORTED,
    ),
    Case(
        "trace process 1",
        f"{_C}r = c.ptrace(16, 1, 0, 0){_REFUSED}",
        UNSUPPORTED,
        DENIED,
        "import ctypes\nlen(ctypes.create_string_buffer(5))",
        5,
        UNSUPPORTED,
    ),
    Case(
        "the limits of process 1",
        f"{_C}r = c.prlimit(1, 7, (ctypes.c_ulong * 2)(0, 0), None){_REFUSED}",
        UNSUPPORTED,
        DENIED,
        "import resource\nresource.getrlimit(resource.RLIMIT_CORE)",
        [0, 0],
        UNSUPPORTED,
    ),
]

IMPORT_TRICKS = [
    Case("the library that runs it", "import symposia", UNSUPPORTED, UNSUPPORTED, "import json\njson.loads('[1]')", [1]),
    Case("what is installed beside it", "import pip, pydantic", UNSUPPORTED, UNSUPPORTED, "import math\nmath.gcd(4, 6)", 2),
    Case(
        "a module of the host",
        "import sys\nsys.path.insert(0, CANARY)\nimport canary_module",
        UNSUPPORTED,
        UNSUPPORTED,
        "import sys\nopen('own.py', 'w').write('x = 3')\nsys.path.insert(0, '.')\nimport own\nown.x",
        3,
        f"{DENIED}|{UNSUPPORTED}",
    ),
    Case(
        "by the back door",
        "if __import__('os').system('true') != 0:\n    raise PermissionError('refused')",
        UNSUPPORTED,
        DENIED,
        "__import__('math').sqrt(4)",
        2.0,
        UNSUPPORTED,
    ),
    Case(
        "a file as a module",
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        "spec = spec_from_file_location('m', CANARY + '/canary_module.py')\nspec.loader.exec_module(module_from_spec(spec))",
        UNSUPPORTED,
        DENIED,
        "import importlib\nimportlib.import_module('math').floor(2.5)",
        2,
        UNSUPPORTED,
    ),
]

FORMAT_ESCAPES = [
    Case(
        "globals by a format string",
        "def f():\n    pass\n'{0.__globals__[__builtins__].__dict__[open].__self__.SECRET}'.format(f)",
        f"{ERROR}|{UNSUPPORTED}",
        ERROR,
        "'{1[0]} {0:>3}'.format(3, 'ab')",
        "a   3",
    ),
    Case(
        "down from object",
        "import subprocess\n[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'Popen'][0](['/bin/true'])",
        UNSUPPORTED,
        DENIED,
        "type(()).__name__",
        "tuple",
    ),
    Case("an endless width", "'%1000000000d' % 1", f"{MEMORY}|{ERROR}", MEMORY, "'%5d' % 1", "    1"),
    Case("an endless precision", "f'{1:>{10**10}}'", f"{MEMORY}|{ERROR}", f"{MEMORY}|{ERROR}", "f'{1:>{3}}'", "  1"),
]

DEEP_RECURSION = [
    Case("without end", "def f(n):\n    return f(n + 1)\nf(0)", ERROR, ERROR, "def f(n):\n    return n and f(n - 1)\nf(50)", 0),
    Case(
        "without a limit",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n    return sorted([n], key=f)\nf(0)",
        UNSUPPORTED,
        f"{CRASHED}|{MEMORY}",
        "import sys\nsys.setrecursionlimit(2000)\nsys.getrecursionlimit()",
        2000,
        UNSUPPORTED,
    ),
    Case(
        "in the parser",
        "eval('(' * 100_000 + ')' * 100_000)",
        f"{ERROR}|{MEMORY}|{CRASHED}|{UNSUPPORTED}",
        f"{ERROR}|{MEMORY}|{CRASHED}",
        "eval('((((1))))')",
        1,
    ),
    Case(
        "in a value",
        "x = []\nfor _ in range(100_000):\n    x = [x]\nx",
        ERROR,
        f"{ERROR}|{CRASHED}",
        "x = []\nfor _ in range(3):\n    x = [x]\nx",
        [[[[]]]],
    ),
]

HUGE_INTEGERS = [
    Case("a tower of powers", "x = 10**10**10", f"{MEMORY}|{TIME}", f"{MEMORY}|{TIME}", "10**10", 10**10),
    Case("a long way left", "x = 1 << 10**12", f"{MEMORY}|{ERROR}", f"{MEMORY}|{ERROR}", "1 << 40", 2**40),
    Case("more digits than text has", "10**100_000", ERROR, ERROR, "10**20", 10**20),
    Case("squared and squared", "x = 3\nwhile True:\n    x = x * x", f"{MEMORY}|{TIME}", f"{MEMORY}|{TIME}", "3**2**3", 6561),
]

UNPICKLING = [
    Case(
        "a program in a pickle",
        "import pickle\npickle.loads(b'cos\\nfork\\n(tR.')",
        UNSUPPORTED,
        DENIED,
        "import pickle\npickle.loads(pickle.dumps([1, 'a']))",
        [1, "a"],
        UNSUPPORTED,
    ),
    Case(
        "a shell in a pickle",
        "import pickle\npickle.loads(b\"csubprocess\\nPopen\\n((S'/bin/sh'\\nltR.\")",
        UNSUPPORTED,
        DENIED,
        "import copy\ncopy.deepcopy([1, [2]])",
        [1, [2]],
    ),
    Case(
        "a pickle that is too large",
        "import pickle\npickle.loads(b'\\x96' + (2**40).to_bytes(8, 'little') + b'x')",
        UNSUPPORTED,
        f"{MEMORY}|{ERROR}",
        "import base64\nbase64.b64decode('eA==').decode()",
        "x",
    ),
    Case(
        "code out of bytes",
        "import marshal\nexec(marshal.loads(b'not code'))",
        UNSUPPORTED,
        ERROR,
        "import marshal\nmarshal.loads(marshal.dumps([1]))",
        [1],
        UNSUPPORTED,
    ),
]

THREADS = [
    Case(
        "threads without end",
        "import threading\nstop = threading.Event()\nwhile True:\n    threading.Thread(target=stop.wait, daemon=True).start()",
        UNSUPPORTED,
        f"{ERROR}|{MEMORY}",
        "import threading\ngot = []\nt = threading.Thread(target=got.append, args=(1,))\nt.start()\nt.join()\ngot",
        [1],
        UNSUPPORTED,
    ),
    Case(
        "a thread that never ends",
        "import threading\ndef f():\n    while True:\n        pass\nthreading.Thread(target=f).start()",
        UNSUPPORTED,
        TIME,
        "import threading\ngot = []\nthreading.Thread(target=got.append, args=(1,)).start()\nlen(threading.enumerate()) >= 1",
        True,
        UNSUPPORTED,
    ),
    Case(
        "a thread that prints without end",
        "import threading\ndef f():\n    while True:\n        print('x' * 100)\nthreading.Thread(target=f).start()",
        UNSUPPORTED,
        OUTPUT,
        "import threading\nt = threading.Thread(target=print, args=('x',))\nt.start()\nt.join()",
        None,
        UNSUPPORTED,
    ),
    Case(
        "a lock that is never free",
        "import threading\nx = threading.Lock()\nx.acquire()\nx.acquire()",
        UNSUPPORTED,
        TIME,
        "import threading\nx = threading.Lock()\nx.acquire()",
        True,
        UNSUPPORTED,
    ),
]

TIMING = [
    Case("a loop without end", "while True:\n    pass", TIME, TIME, "n = 0\nwhile n < 100:\n    n += 1\nn", 100),
    Case("asleep", "import time\ntime.sleep(1000)", TIME, TIME, "import time\ntime.sleep(0.001)\n1", 1),
    Case("busy below Python", "sum(range(10**12))", TIME, TIME, "sum(range(100))", 4950),
    Case(
        "a pattern that tries everything",
        "import re\nre.match('(a|a)*$', 'a' * 60 + 'b').group()",
        f"{TIME}|{ERROR}",
        TIME,
        "import re\nre.match('(a|a)*$', 'aaa').group()",
        "aaa",
    ),
    Case(
        "nothing stops it",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        TIME,
        TIME,
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    x = 1\nx",
        1,
    ),
]

CATEGORIES = {
    "files": FILES,
    "network": NETWORK,
    "fork bombs": FORK_BOMBS,
    "memory": MEMORY_HOGS,
    "endless output": ENDLESS_OUTPUT,
    "signals": SIGNALS,
    "/proc": PROC,
    "symlinks": SYMLINKS,
    "ctypes": CTYPES,
    "import tricks": IMPORT_TRICKS,
    "format-string escapes": FORMAT_ESCAPES,
    "deep recursion": DEEP_RECURSION,
    "huge integers": HUGE_INTEGERS,
    "unpickling": UNPICKLING,
    "threads": THREADS,
    "timing": TIMING,
}
CASES = {f"{category}: {case.name}": case for category, cases in CATEGORIES.items() for case in cases}
