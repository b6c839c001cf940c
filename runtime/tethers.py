"""Owns starting a program that cannot outlive the process that started it; knows nothing about what the
program does.

Linux can signal a process when its parent dies (`PR_SET_PDEATHSIG`), but the wish must be made in the child,
after any change of user and before the program runs. `subprocess`' `preexec_fn` would run Python between fork
and exec, which is unsafe once threads or gRPC exist, so this file is also the script that makes the wish and
then becomes the program: same process id, no process more.

The kernel means the parent *thread*: whoever starts a tethered program from a thread that ends, ends the
program with it. Elsewhere than on Linux there is no such wish, and the program merely starts.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

PR_SET_PDEATHSIG = 1


class User(NamedTuple):
    """Whom a program runs as when its starter is root."""

    uid: int
    gid: int


def tethered(
    argv: Sequence[str], *, on_parent_death: signal.Signals = signal.SIGTERM, user: User | None = None
) -> list[str]:
    """The command line that runs `argv` (a path first) and signals it when this thread ends."""
    identity = f"{user.uid}:{user.gid}" if user else "-"
    wish = [str(int(on_parent_death)), str(os.getpid()), identity]
    return [sys.executable, "-I", "-S", __file__, *wish, *argv]


def _become(arguments: Sequence[str]) -> NoReturn:
    death_signal, parent, identity, *argv = arguments
    libc = None
    if sys.platform == "linux":
        import ctypes  # before the change of user: the new one may be unable to read Python's library

        libc = ctypes.CDLL(None)
    if identity != "-":
        uid, gid = (int(number) for number in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o077)
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the wish was made
        sys.exit(f"{argv[0]}: not started, the process that asked for it is gone")
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    _become(sys.argv[1:])
