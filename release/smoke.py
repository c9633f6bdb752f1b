"""What an installed clustersim must do in an empty folder, without the repository."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PAGES = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
from clustersim.scenario import shipped
app = shipped("app")
sys.path.insert(0, str(app))
page = AppTest.from_file(str(app / "Home.py"), default_timeout=300).run()
assert not page.exception, page.exception
assert page.main, "the first page is empty"
"""
WHERE = "import clustersim; print(clustersim.__file__)"
MEASURED = {
    "row_id": "mine", "source": "us", "model": "Llama 3.1 8B", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8,
    "ffn": 14336, "vocab": 128256, "seq_len": 8192, "accelerator": "H100", "tp": 2, "pp": 1, "micro_batch": 1,
    "precision": "bf16", "n_gpus": 64, "global_batch_seqs": 256, "iteration_time_s": 6.1,
}  # fmt: skip
CHECKED = ("deepseek_v3", "measured_load_memphis", "meta_24k")


class SmokeError(Exception):
    """The installed program does not do what it must."""


@dataclass(frozen=True)
class Installed:
    """An installed program, and the empty folder in which it is tried."""

    python: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        """Return this process's environment without what could lead to the repository."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "NUMBA", "VIRTUAL_ENV"))
        }
        return kept | {"PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"}

    def output(self, *words: str) -> str:
        """Run a command in the folder and return what it printed.

        Raises
        ------
        SmokeError
            If it fails, or prints a traceback.
        """
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode or "Traceback" in done.stderr:
            raise SmokeError(f"{' '.join(words)[:200]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout

    def clustersim(self, *words: str) -> str:
        """Run a verb of the command line and return what it printed."""
        return self.output(str(self.python.with_name("clustersim")), *words)


def _expect(found: bool, what: str) -> None:
    if not found:
        raise SmokeError(f"expected {what}")


def where(here: Installed) -> None:
    """The package comes from its environment."""
    told = Path(here.output(str(here.python), "-c", WHERE).strip())
    _expect(here.python.parents[1] in told.parents, f"the package in {here.python.parents[1]}, found {told}")
    _expect((told.parent / "py.typed").is_file(), "the marker of types")


def names(here: Installed) -> None:
    """Every shipped scenario and topology is known by name; one of each kind has no problem."""
    ask = "from clustersim.scenario.files import shipped_names; print(*shipped_names({!r}))"
    known = [here.output(str(here.python), "-c", ask.format(kind)).split() for kind in ("scenarios", "topologies")]
    _expect(all(len(each) > 30 for each in known), "more than thirty scenarios and topologies")
    here.clustersim("check", *CHECKED)


def figures(here: Installed) -> None:
    """The catalog, its rules, and a place by name."""
    _expect("H100" in here.clustersim("catalog", "accelerators"), "H100 in the catalog")
    _expect("ercot-lel" in here.clustersim("catalog", "limits"), "the pack ercot-lel")
    _expect("24,576" in here.clustersim("topology", "meta_24k"), "24,576 accelerators of meta_24k")


def runs(here: Installed) -> None:
    """The main scenario by name, its report beside it."""
    told = json.loads(here.clustersim("run", "colossus_200k", "--json"))
    _expect(1.0 < told["iteration_time_s"] < 1.2, "1.07 s an iteration")
    _expect(len(list((here.folder / "results").glob("colossus_200k-*/report.html"))) == 1, "one report")


def measured(here: Installed) -> None:
    """A table of measured steps beside the predictions."""
    with (here.folder / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, MEASURED)
        writer.writeheader()
        writer.writerow(MEASURED)
    told = json.loads(here.clustersim("validate", "mine.csv", "--json"))
    _expect(told["overall"]["modelled"] == 1, "one row that is modelled")


def studies(here: Installed) -> None:
    """Shipped studies by name: one laid out, one answered."""
    here.clustersim("sweep", "grid_150mw", "--dry-run")
    here.clustersim("sweep", "smoothing_floor", "--workers", "2")
    _expect(
        "6" in here.clustersim("query", "results/sweep-smoothing_floor", "SELECT count(*) FROM points"), "six points"
    )


def first_page(here: Installed) -> None:
    """The first page of the dashboard runs."""
    here.output(str(here.python), "-W", "ignore", "-c", PAGES)


def dashboard(here: Installed) -> None:
    """``clustersim dashboard`` serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [here.python.with_name("clustersim"), "dashboard", "--port", str(port), "--no-prepare"]
    with (here.folder / "dashboard.log").open("w+") as log:
        server = subprocess.Popen(words, cwd=here.folder, env=here.environment(), stdout=log, stderr=log)
        try:
            end = time.monotonic() + 60.0
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise SmokeError(f"the dashboard does not answer:\n{log.read()[-3000:]}")
                time.sleep(0.2)
        finally:
            server.terminate()
            server.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


CHECKS: tuple[Callable[[Installed], None], ...] = (
    where, names, figures, runs, measured, studies, first_page, dashboard,
)  # fmt: skip


def smoke(here: Installed) -> None:
    """Do all checks in turn and say how long each took."""
    for check in CHECKS:
        begin = time.monotonic()
        check(here)
        sys.stdout.write(f"  {check.__name__:12}{time.monotonic() - begin:6.1f} s  {check.__doc__}\n")
        sys.stdout.flush()
