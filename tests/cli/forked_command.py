"""Run in a forked process by the fixture ``symposia``: the command, and what shell and interpreter do around it."""

import os
import sys

from symposia.cli import main

request = globals()["REQUEST"]
os.environ.clear()
os.environ.update(request["environment"])
os.chdir(request["folder"])
for number, mode in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
    os.dup2(os.open(request["pipes"][number], mode), number)
sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the command lives
sys.argv = ["symposia", *request["arguments"]]
try:
    main()
except Exception:  # noqa: BLE001 - as the interpreter does
    sys.excepthook(*sys.exc_info())
    sys.exit(1)
