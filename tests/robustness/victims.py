"""A process that starts commands to be killed: each is a fork of it, so that the package is imported once.

It reads a line of JSON, a list of words and the file for what the command says, and answers with the pid; when the
command has ended, with its exit code, minus the signal where one ended it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys


def prepare() -> None:
    """Answer points of sweeps in the process of the command, each put onto the disk as it comes."""
    from clustersim.cli import sweep as cli_sweep
    from clustersim.study.sweep import collect
    from clustersim.study.sweep.in_process import InProcess

    cli_sweep.engine_of = lambda *_: contextlib.nullcontext(InProcess())
    cli_sweep.EVERY_S = 0.0
    collect.EVERY_S = 0.0


def answer(words: list[str], said: str) -> None:
    """Be the command; does not return."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    from clustersim.cli import app

    code = 1
    try:
        app(words, prog_name="clustersim")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def main() -> None:
    """Start what is asked for until there is nothing more to read; arguments are a command that warms this process."""
    prepare()
    from clustersim.cli import app

    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):
        app(sys.argv[1:], prog_name="clustersim")
    for line in sys.stdin:
        words, said = json.loads(line)
        pid = os.fork()
        if pid == 0:
            answer(words, said)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
