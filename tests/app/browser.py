"""The real dashboard in a real browser: a server of its own, and visitors who remember what went wrong."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from clustersim.report.headline import questions
from clustersim.report.words import short_answer

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium")
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WAIT_MS = 60_000
POLL_MS = 50
STARTS_S = 90.0
# Streamlit's own start page asks for its server below the path of the page first, and takes the root when that fails
OF_STREAMLIT = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")
FADES = "one => one.playState === 'running' && one.effect.getComputedTiming().iterations !== Infinity"
"""What is drawn anew fades in: contrast and pictures are those of the end."""
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"


def free_port():
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(results, *options, workers=1):
    """Serve the dashboard on a free port; give its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "clustersim", "dashboard", "--no-prepare", "--port", str(port)]
    command += ["--workers", str(workers), "--out", str(results), *options]
    with (results / "server.log").open("w") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as process:
        try:
            end = time.monotonic() + STARTS_S
            with socket.socket() as probe:
                while probe.connect_ex(("127.0.0.1", port)) != 0:
                    assert process.poll() is None, (results / "server.log").read_text()
                    assert time.monotonic() < end, "the server does not listen"
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextmanager
def chromium():
    """Give a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield found
        found.close()


class Visitor:
    """A person with a browser tab of their own; :meth:`content` fails where the page complained or asked elsewhere."""

    def __init__(self, browser, address, dark=False, phone=False, beside=None):
        """Open a tab that shares nothing with others, or only what a browser keeps of pages with the one beside it."""
        self.address, self.look = address, "phone" if phone else "dark" if dark else "light"
        self.beside = beside
        self.context = (
            beside.context
            if beside
            # without motion that nobody looks at, which a machine without a graphics card draws at some cost
            else browser.new_context(
                viewport=PHONE if phone else WIDE,
                color_scheme="dark" if dark else "light",
                accept_downloads=True,
                reduced_motion="reduce",
            )
        )
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.said, self.outside, self.dialogs = [], [], []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("dialog", self._dialog)

    def _heard(self, message):
        if message.type == "error" and not OF_STREAMLIT.search(urlsplit(message.location["url"]).path):
            self.said.append(f"{message.text} ({message.location['url']})")

    def _asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws"))):
            self.outside.append(request.url)

    def _dialog(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, name="", **query):
        """Open a page by its address, and wait until it is drawn."""
        self.page.goto(f"{self.address}/{name}" + (f"?{urlencode(query, doseq=True)}" if query else ""))
        self.still()

    def go(self, title):
        """Open a page by the navigation, and wait until it is drawn."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
        self.page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
        self.still()

    def still(self):
        """Wait until the page is drawn and nothing more is coming."""
        self.page.locator("h1").first.wait_for()
        self.page.locator(STILL).wait_for(state="attached")
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")
        self.page.wait_for_function(f"!document.getAnimations().some({FADES})")

    def query(self):
        """Return what the address holds."""
        return parse_qs(urlsplit(self.page.url).query)

    def until(self, question):
        """Wait until the address says yes to a question."""
        end = time.monotonic() + WAIT_MS / 1000
        while not question(self.query()):
            assert time.monotonic() < end, {key: value for key, value in self.query().items() if key != "link"}
            self.page.wait_for_timeout(POLL_MS)

    def metric(self, label):
        """Return the number of a card."""
        card = self.page.get_by_test_id("stMetric").filter(has=self.page.get_by_text(label, exact=True)).first
        return card.get_by_test_id("stMetricValue").inner_text()

    def shows(self, found):
        """Whether the Overview page shows the headline numbers of a summary."""
        told = [line.strip() for line in self.page.get_by_test_id("stMain").inner_text().splitlines() if line.strip()]
        return all(
            told[told.index(label) + 1] == short_answer(key, found.get(key))
            for question in questions(measured=False)
            for key, label in question.answers
        )

    def picture(self, name):
        """Keep a picture that a person can look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.look}.png", animations="disabled")

    def content(self):
        """Fail where the page complained, asked for anything elsewhere or opened a dialog."""
        assert self.said == []
        assert self.outside == []
        assert self.dialogs == []

    def close(self):
        """Close the tab, and with the first of several their browser's memory."""
        if self.beside:
            self.page.close()
        else:
            self.context.close()


def runs(folder):
    """Return the folders of runs in a folder, whole or not; what the server keeps beside them is no run."""
    return {path.name for path in folder.iterdir() if path.is_dir() and path.name != "gallery"}


def summary(folder, name):
    """Return the summary of a run's result."""
    return json.loads((folder / name / "summary.json").read_text())


def memory_kb(pids):
    """Return the memory of processes: private pages, and their share of those that others hold too."""
    total = 0
    for one in pids:
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1))
    return total


def processes(pid):
    """Return a process and all that it has started, it first."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = {int(one) for task in tasks for one in (task / "children").read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        return []  # it has just ended
    return [pid, *(inner for one in children for inner in processes(one))]


def open_files(pid):
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
