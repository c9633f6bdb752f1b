"""A process that gives generated inputs to the command line, one after the other, and says what went wrong.

``python -m tests.robustness.batch FOLDER KIND:FIRST:LAST...`` makes everything below FOLDER. Before each input it
writes its number, after it what is wrong; one that takes too long, or kills the process, is the number without an end.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_S = float(os.environ.get("ROBUSTNESS_MOST_S", "10"))
"""Processor time that one input may take. [s]"""
MOST_WALL_S = float(os.environ.get("ROBUSTNESS_MOST_WALL_S", str(12.0 * MOST_S)))
"""Time that one input may take by the clock, on a machine that does other work too. [s]"""
MOST_BYTES = 6_000_000_000
"""Addresses that the process may use: what it has with everything loaded is about 2.5 GB. [B]"""
SHORTEST, LONGEST = 20, 25_000
"""Letters of a message."""
written: list[str] = []
"""Paths opened for writing, made or renamed since it was last emptied."""


def _hear(event: str, told: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = told
        if isinstance(path, int):
            return
        writes = any(mark in mode for mark in "wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
        if writes:
            written.append(os.fsdecode(path))
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
        written.append(os.fsdecode(told[0]))
    elif event in ("os.rename", "os.link", "os.symlink"):
        written.extend(os.fsdecode(one) for one in told[:2])
    elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect"):
        written.append(f"{event} {told[:2]}")


def listing(folder: Path) -> dict[str, int]:
    """Return every file below a folder with its size."""
    return {
        path.relative_to(folder).as_posix(): -1 if path.is_dir() else path.lstat().st_size
        for path in sorted(folder.rglob("*"))
    }


def half(results: Path) -> list[str]:
    """Return what lies among results and is no whole one."""
    from clustersim.report.stored import is_stored
    from clustersim.study.sweep.reading import is_store

    if not results.exists():
        return []
    return [
        one.name for one in results.iterdir() if not (is_stored(one) or (one.name[:6] == "sweep-" and is_store(one)))
    ]


def wrong_with(done: Any, words: list[str], root: Path, before: dict[str, int]) -> Iterator[str]:
    """Yield what is wrong with how an input ended."""
    if done.exit_code not in (0, 2) or not isinstance(done.exception, SystemExit | None):
        trace = "".join(traceback.format_exception(done.exception)) if done.exception else ""
        yield f"exit code {done.exit_code}: {trace[-3000:]}"
    if "Traceback (most recent" in done.stderr:
        yield f"a traceback on stderr: {done.stderr[-3000:]}"
    if done.exit_code == 2 and not (words[0] == "validate" and done.stdout):  # wrong rows are told in the table
        told = "\n" + done.stderr if words[0] == "check" else ("\n" + done.stderr).partition("\nerror: ")[2]
        if "Usage: " not in done.stderr and (len(told) < SHORTEST or len(told) > LONGEST or not set(":,;") & set(told)):
            yield f"a message that says little ({len(told)} letters): {told[:500]!r}"
        if words[0] != "check" and done.stdout.strip():
            yield f"output beside an error: {done.stdout[:200]!r}"
    if done.exit_code == 0 and "--json" in words:
        try:
            json.loads(done.stdout, parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError):
            yield f"no JSON: {done.stdout[:300]!r}"
    left = half(root / "work" / "results")
    if left:
        yield f"half a result: {left}"
    now = listing(root)
    other = {
        name for name in set(now) ^ set(before) | {name for name in now if now[name] != before.get(name)}
        if not name.startswith("work/results") and not name.startswith("work/case")
    }  # fmt: skip
    if other:
        yield f"files outside the results folder: {sorted(other)[:5]}"
    allowed = (str(root), os.environ["NUMBA_CACHE_DIR"], "/dev/")
    away = [path for path in written if not os.path.normpath(root / "work" / path).startswith(allowed)]
    if away:
        yield f"written elsewhere: {away[:5]}"


def answer(root: Path, kind: str, number: int, seed: int) -> dict[str, Any]:
    """Make one input, give it to the command line, and tell what is wrong."""
    from typer.testing import CliRunner

    from clustersim.catalog import use_overlays
    from clustersim.cli import app
    from tests.robustness import inputs

    work = root / "work"
    for path in sorted(work.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    case = work / "case"
    case.mkdir()
    words = inputs.KINDS[kind](random.Random(f"{seed} {kind} {number}"), case)
    before = listing(root)
    written.clear()
    begin, cpu = time.monotonic(), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, MOST_S)
    signal.setitimer(signal.ITIMER_REAL, MOST_WALL_S)
    done = CliRunner().invoke(app, words)
    use_overlays(())
    signal.setitimer(signal.ITIMER_PROF, 0.0)
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    wall, cpu = time.monotonic() - begin, time.process_time() - cpu
    problems = list(wrong_with(done, words, root, before))
    return {
        "words": words, "exit": done.exit_code, "wrong": problems, "wall_s": round(wall, 3), "cpu_s": round(cpu, 3),
        "said": done.stderr.strip()[-300:] if done.exit_code else "", "rss_kb": resident_kb(),
    }  # fmt: skip


def resident_kb() -> int:
    """Return the memory that this process holds. [kB]"""
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


def prepare() -> None:
    """Make parsers once, and answer points of sweeps in this process."""
    import typer.testing

    from clustersim.cli import sweep as cli_sweep
    from clustersim.study.sweep.in_process import InProcess

    typer.testing._get_command = functools.cache(typer.testing._get_command)
    cli_sweep.engine_of = lambda *_: contextlib.nullcontext(InProcess())


def main(folder: str, *asked: str) -> None:
    """Answer all inputs that are asked for."""
    root = Path(folder)
    for name in ("work", "tmp", "home"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "sentinel.yaml").write_text("name: secret\n")
    os.chdir(root / "work")
    sys.dont_write_bytecode = True
    prepare()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    sys.addaudithook(_hear)
    seed = int(os.environ.get("ROBUSTNESS_SEED", "1"))
    told = os.fdopen(os.dup(1), "w")
    for one in asked:
        kind, first, last = one.split(":")
        for number in range(int(first), int(last)):
            told.write(f"{kind} {number}\n")
            told.flush()
            told.write(json.dumps(answer(root, kind, number, seed)) + "\n")
            told.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
