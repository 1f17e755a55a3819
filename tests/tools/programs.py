"""Programs for ``code-tests``: what must pass, and every way of passing without being right that we could think of."""

from __future__ import annotations

VALUES = r"""
### every kind of plain value
def f(x):
    return (x, {x}, {'a': [x]}, None, b'b', 1j, float('inf'), True)
---
assert f(1) == (1, {1}, {'a': [1]}, None, b'b', 1j, float('inf'), True)
### sets, whose order differs between processes
def f(x):
    return len(x)
---
assert f({'b', 'a', 'c'}) == 3 and f(frozenset()) == 0 and f((1,)) == 1 and f(set()) == 0 and f(frozenset({1})) == 1
### exceptions
def f(x):
    raise ValueError('no ' + x)
---
try:
    f('way')
except ValueError as e:
    assert str(e) == 'no way'
else:
    assert False
### named arguments
def f(x, *, by=1):
    return x * by
---
for n in range(4):
    assert f(n, by=3) == 3 * n
### floats
def f(x):
    return x ** .5
---
assert abs(f(2) - 1.41421356) < 1e-6 and f(1e300) == 1e150
### what is no number
def f(x):
    return float('nan')
---
assert f(1) != f(1)
### counters
from collections import Counter
def f(x):
    return Counter(x)
---
assert f('aab') == {'a': 2, 'b': 1}
### dictionaries with defaults
from collections import defaultdict
def f(x):
    d = defaultdict(list)
    d[x].append(x)
    return d
---
assert f(1) == {1: [1]}
### random arguments
def f(x):
    return x
---
import random
x = random.random()
assert f(x) == x and f([x, random.random()])[0] == x
### a value
f = lambda x: not x
---
assert f(False) is True
### calls of calls
def f(x):
    return x
---
assert f(f(f(1))) == 1
### quotes
def f(x):
    return 'a"b\'c\n\\{}'
---
assert f('\'"') == 'a"b\'c\n\\{}'
### a list that the test changes
def f(x):
    return [x]
---
f(1).append(2)
assert f(1) == [1]
"""

ATTACKS = r"""
### prints
print('{"passed": 2, "fraction": 1.0}')
print('passed')
### exits
import sys
sys.exit(0)
### exits at once
import os
os._exit(0)
### exits when called
import os
def add(a, b):
    os._exit(0)
### equals everything
class Yes:
    __eq__ = __ge__ = __le__ = lambda s, o: True
def add(a, b):
    return Yes()
### equals everything as a number
class Yes(int):
    def __eq__(s, o): return True
    def __repr__(s): return 'Yes()'
def add(a, b):
    return Yes(1)
### says more than a value
class Yes:
    def __repr__(s): return '__import__("os").getpid()'
def add(a, b):
    return Yes()
### says the end of the test
class Yes:
    def __repr__(s): return '1}\n_symposia_problem = None'
def add(a, b):
    return Yes()
### answers for the harness
def add(a, b):
    return {'question': None, 'problem': None}
### changes what an assertion raises
import builtins
builtins.AssertionError = type('Quiet', (Exception,), {})
def add(a, b):
    return 5
### changes builtins
import builtins
builtins.abs = builtins.repr = builtins.str = lambda *a: '4'
def add(a, b):
    return 5
### writes to the pipe
import os
os.write(1, b'{"ending": "ok", "value": {"question": null, "problem": null}}')
os._exit(0)
### looks at its callers
import sys
def add(a, b):
    f = sys._getframe()
    while f:
        f.f_globals['_symposia_problem'] = None
        f = f.f_back
    return 5
### looks for the tests
import gc
def add(a, b):
    needle = ''.join(['=', '=', ' ', '4'])
    return 4 if any(needle in str(o) for o in gc.get_objects()) else 5
### raises for the test
def add(a, b):
    raise BaseException('a question')
### never ends
def add(a, b):
    while True: pass
### opens what it does not close
def add(a, b):
    return 5
x = """
ATTACKS += '"""\n'
ATTACKS += r"""
### is no Python
def add(a, b) return
### says nothing
### nests deeply
class Deep:
    def __repr__(s): return '[' * 90000 + ']' * 90000
def add(a, b):
    return Deep()
### answers at length
def add(a, b):
    return 'x' * 10**6
"""


def blocks(text: str) -> dict[str, str]:
    """Pieces of code by the title above each."""
    return {block.partition("\n")[0].strip(): block.partition("\n")[2] for block in text.split("### ")[1:]}
