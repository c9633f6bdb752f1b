"""Remake the pictures of the documentation: ``python -m app.screenshots`` (needs chromium and playwright)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.app.browser import Visitor, chromium, server

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
PRINTED = {"width": 1400, "height": 1000}
SCENARIO = "colossus_200k"
PAGES = {
    "overview": ("text=Tokens a second", "light"),
    "power": (".js-plotly-plot .main-svg", "light"),
    "limits": ("[data-testid=stDataFrame]", "dark"),
}
"""Page of the dashboard -> what must be there before it is photographed, and the theme."""


def dashboard(browser: Browser, address: str) -> None:
    for name, (drawn, scheme) in PAGES.items():
        visitor = Visitor(browser, address, dark=scheme == "dark")
        visitor.open(name, scenario=SCENARIO)
        visitor.page.locator(drawn).first.wait_for()
        visitor.still()
        visitor.page.wait_for_timeout(1000)  # grids of data fade in
        visitor.page.screenshot(path=IMAGES / f"dashboard_{name}.png")
        visitor.close()


def report(page: Page, folder: Path) -> None:
    page.goto((folder / "report.html").as_uri())
    page.locator("#power").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('power').scrollIntoView()")
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "report.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as results:
        subprocess.run(  # noqa: S603
            [sys.executable, "-m", "clustersim", "run", SCENARIO, "--out", results],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with chromium() as browser, server(Path(results)) as (address, _):
            report(browser.new_page(viewport=PRINTED), next(Path(results).glob(f"{SCENARIO}-*")))
            dashboard(browser, address)


if __name__ == "__main__":
    main()
