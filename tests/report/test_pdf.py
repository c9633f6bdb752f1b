"""Pages as PDF, and pages in a browser."""

import re
import subprocess
from urllib.parse import unquote

import numpy as np
import plotly.graph_objects as go
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.report import pdf as printing
from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Section
from clustersim.report.style import styled

NEEDED = pytest.mark.skipif(printing.browser() is None, reason="no Chromium on the PATH")


def test_without_a_browser_it_says_so_and_writes_nothing(monkeypatch, small_result, tmp_path):
    monkeypatch.setattr(printing, "browser", lambda: None)
    with pytest.raises(InputError, match="expected one of chromium"):
        printing.pdf("<html></html>")
    folder = small_result.save(tmp_path / "run", {"report.html": "x"})
    done = CliRunner().invoke(app, ["report", str(folder), "--pdf", "--to", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_browser_that_prints_nothing_is_told(monkeypatch):
    monkeypatch.setattr(printing, "browser", lambda: "/bin/false")
    with pytest.raises(InputError, match="ended with code 1 and no PDF"):
        printing.pdf("<html></html>")


def page() -> str:
    """A page with two figures that says what its CSV is."""
    figures = [
        Figure("a, b", styled(go.Figure(go.Scatter(x=np.arange(3) / 2, y=[1.0, 4.0, 9.5], name='A "1"')), "x", "y")),
        Figure("c", styled(go.Figure(go.Bar(base=[1.0], x=[0.5], y=["s0"], orientation="h", name="b")), "s", "stage")),
    ]
    told = """<script>addEventListener('load', () => {
        document.body.dataset.csv =
            csv('figure-a-b', ['series', 'x', 'y']) + ' ' + csv('figure-c', ['a', 'b', 'c', 'd']);
    })</script>"""
    text = rendered("operate.html.j2", title="T", subtitle="", sections=[Section("s", "S", figures=figures)])
    return text.replace("</body>", f"{told}</body>")


@NEEDED
@pytest.mark.browser
def test_a_page_draws_its_figures_gives_their_points_and_prints(tmp_path):
    (tmp_path / "page.html").write_text(page(), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    command = [printing.browser(), *options, f"--user-data-dir={tmp_path / 'p'}", (tmp_path / "page.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode()
    body = re.search(r"<body([^>]*)>", shown).group(1)
    assert 'data-drawn="2"' in body
    first, second = re.search(r'data-csv="([^"]*)"', body).group(1).split(" ")
    head = "data:text/csv;charset=utf-8,"
    assert unquote(first.removeprefix(head)) == 'series,x,y\n"A ""1""",0,1\n"A ""1""",0.5,4\n"A ""1""",1,9.5\n'
    assert unquote(second.removeprefix(head)) == "a,b,c,d\nb,1,0.5,s0\n"
    found = printing.pdf(page())
    assert found.startswith(b"%PDF-")
    assert found.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", found)) == 1
