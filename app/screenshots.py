"""Remake the pictures of the documentation: ``python -m app.screenshots`` (needs chromium and playwright)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
SCENARIO = "colossus_200k"
PAGES = {
    "overview": ("text=Tokens a second", "light"),
    "power": (".js-plotly-plot .main-svg", "light"),
    "limits": ("[data-testid=stDataFrame]", "dark"),
}
"""Page of the dashboard -> what must be there before it is photographed, and the theme."""
DRAWN = "[data-testid=stApp][data-test-script-state=notRunning]:not(:has([data-testid=stSkeleton], [data-stale=true]))"
"""Streamlit's mark of a page on which nothing more is coming."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dashboard(browser: Browser, port: int) -> None:
    for name, (drawn, scheme) in PAGES.items():
        page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
        page.goto(f"http://127.0.0.1:{port}/{name}?scenario={SCENARIO}")
        page.locator(drawn).first.wait_for(timeout=120_000)
        page.locator(DRAWN).wait_for()
        page.wait_for_timeout(1000)  # grids of data fade in
        page.screenshot(path=IMAGES / f"dashboard_{name}.png")


def report(page: Page, folder: Path) -> None:
    page.goto((folder / "report.html").as_uri())
    page.locator("#power").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('power').scrollIntoView()")
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "report.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "clustersim"]
    with tempfile.TemporaryDirectory() as results:
        subprocess.run([*command, "run", SCENARIO, "--out", results], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        server = subprocess.Popen(  # noqa: S603
            [*command, "dashboard", "--port", str(port), "--out", results, "--no-prepare"]
        )
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                report(page, next(Path(results).glob(f"{SCENARIO}-*")))
                wait_until_served(port)
                dashboard(browser, port)
                browser.close()
        finally:
            server.terminate()
            server.wait()


def wait_until_served(port: int, attempts: int = 120) -> None:
    """Wait until something listens on the port; half a second between attempts."""
    for _ in range(attempts):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise TimeoutError(f"nothing listens on port {port}")


if __name__ == "__main__":
    main()
