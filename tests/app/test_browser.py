from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")


@pytest.fixture
def address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "clustersim", "dashboard", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(120):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.25)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_planner_runs_a_scenario_and_looks_closer(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_role("button", name="Run", exact=True).click(timeout=60_000)
        page.get_by_text("Cooling missing").wait_for(timeout=120_000)
        assert page.locator("[data-testid=stMetric]").count() >= 12
        page.get_by_role("tab", name="Its power").click()
        area = page.locator(".js-plotly-plot:visible .nsewdrag").first
        area.wait_for(timeout=30_000)
        area.scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        box = area.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 100, steps=8)
        page.mouse.up()
        page.get_by_text(" s to ").first.wait_for(timeout=20_000)
        outside = [url for url in asked if not url.startswith((address, "data:", "blob:", "ws://127.0.0.1"))]
        assert outside == []
        assert said == []
        browser.close()
