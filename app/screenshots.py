"""Remake the pictures of the documentation: ``python -m app.screenshots`` (needs chromium and playwright)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = {"width": 1400, "height": 1000}
SCENARIO = "colossus_200k"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dashboard(page: Page, port: int) -> None:
    page.goto(f"http://127.0.0.1:{port}")
    page.get_by_role("button", name="Run", exact=True).click(timeout=60_000)
    page.get_by_text("Cooling missing").wait_for(timeout=180_000)
    page.get_by_role("tab", name="Its power").click()
    page.get_by_test_id("stButtonGroup").get_by_text("restart", exact=True).click()
    page.locator(".js-plotly-plot:visible").first.wait_for(timeout=30_000)
    page.wait_for_timeout(2500)
    page.screenshot(path=IMAGES / "dashboard.png")


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
        server = subprocess.Popen([*command, "dashboard", "--port", str(port)])  # noqa: S603
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport=SIZE)
                report(page, next(Path(results).glob(f"{SCENARIO}-*")))
                wait_until_served(port)
                dashboard(page, port)
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
