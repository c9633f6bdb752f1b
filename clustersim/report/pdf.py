"""A page as PDF, printed by a Chromium that is on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from clustersim.errors import InputError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LONGEST_S = 180.0
"""Time after which printing is given up. [s]"""
BUDGET_MS = 60_000
"""Time of the page's own clock in which it unpacks and draws its figures; it runs faster than real time. [ms]"""


def browser() -> str | None:
    """Return the path of a Chromium, None where there is none on the PATH."""
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def required_browser() -> str:
    """Return the path of a Chromium.

    Raises
    ------
    InputError
        If there is none.
    """
    found = browser()
    if found is None:
        raise InputError(f"--pdf: expected one of {', '.join(BROWSERS)} on the PATH, found none; the HTML needs none")
    return found


def pdf(page: str) -> bytes:
    """Return a page as PDF: A4, light, figures as wide as the paper.

    Parameters
    ----------
    page : str
        A self-contained page of this package.

    Raises
    ------
    InputError
        If there is no Chromium, or it does not print.
    """
    program = required_browser()
    with tempfile.TemporaryDirectory(prefix="clustersim-pdf-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(page, encoding="utf-8")
        target = folder / "page.pdf"
        options = [
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            f"--virtual-time-budget={BUDGET_MS}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={target}",
        ]
        # its sandbox refuses to start for root, as in containers; the page is our own and fetches nothing
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [program, *options, f"{(folder / 'page.html').as_uri()}#print"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)  # noqa: S603 (found by us)
        except subprocess.TimeoutExpired:
            raise InputError(f"--pdf: {program} did not print within {LONGEST_S:g} s") from None
        found = target.read_bytes() if target.is_file() else b""
        if not found.startswith(b"%PDF-"):
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise InputError(f"--pdf: {program} ended with code {done.returncode} and no PDF: {' '.join(last)}")
        return found
