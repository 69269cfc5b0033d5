"""Starts a server and ends it when the process that asked for it is gone, however that process died.

    python -I -S guard.py OWNER_PID FOLDER PROGRAM [ARGUMENT ...]

It prints the server's pid, waits for whichever ends first, the owner or the server, and where it was the owner, kills
the server and removes its folder. A process of its own, because the kernel's parent-death signal belongs to the
*thread* that started the child: in an owner with threads it fires too early. Here there is one thread, so here it can
serve to end the server should this guard itself be killed. Standard library only: started anew for every server.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main(owner: int, folder: str, command: list[str]) -> int:
    """Run `command` until it ends by itself (0 or 1, whether it ended well) or its owner does."""
    owner_ends = os.pidfd_open(owner)
    if os.getppid() != owner:  # gone already, and its pid perhaps another's
        return 1
    libc = ctypes.CDLL(None)
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    server_ends = os.pidfd_open(server.pid)
    print(server.pid, flush=True)
    ended, _, _ = select.select([owner_ends, server_ends], [], [])
    if server_ends not in ended:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return min(abs(server.wait()), 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
