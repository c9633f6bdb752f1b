"""A release holds what it must and nothing else, and its papers agree; installing it is `make release-check`."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import clustersim
from release.archives import FORBIDDEN, ROOT, faults, sdist, sdist_names, wheel
from release.interpreters import found
from release.licences import COPYLEFT, licence, needed, pins

HERE = {"results/old/summary.json": "{}", "build/screenshots/a.png": "-", "clustersim/left.pyc": "-"}
"""What runs and tools leave in a working tree."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Both archives, built from a copy of the tree in which tools and runs left something."""
    folder = tmp_path_factory.mktemp("release")
    tree = folder / "tree"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if names.returncode:
        pytest.skip("no clone of the repository: nothing to build an archive from")
    for name in names.stdout.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    for name, text in HERE.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(tree)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder / "dist"


def test_both_archives_hold_what_they_must_and_nothing_else(dist):
    assert list(faults(dist)) == []
    assert not any(name.endswith(tuple(HERE)) for name in sdist_names(sdist(dist)))


def test_a_fault_of_an_archive_is_told(dist, tmp_path):
    for path in (wheel(dist), sdist(dist)):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    held = wheel(tmp_path)
    with zipfile.ZipFile(held) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if not name.endswith("py.typed")}
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in kept.items():
            found_at = b"\nHome-page: file:///root/clustersim\n" if name.endswith("METADATA") else b"\n"
            archive.writestr(name, text.replace(b"\n", found_at, 1))
        archive.writestr("results/one/summary.json", "{}")
    told = list(faults(tmp_path))
    assert "wheel: clustersim/py.typed is missing" in told
    assert "wheel: results/one/summary.json does not belong there" in told
    assert "metadata: Home-page: file:///root/clustersim" in told


@pytest.mark.soak
def test_the_wheel_runs_without_the_repository(dist, tmp_path):
    with zipfile.ZipFile(wheel(dist)) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    asked = """
import sys
import clustersim
assert clustersim.__file__.startswith(sys.argv[1]), clustersim.__file__
from clustersim.scenario.files import located, shipped, shipped_names
names = {kind: shipped_names(kind) for kind in ("scenarios", "topologies")}
assert all(str(shipped(kind)).startswith(sys.argv[1]) for kind in (*names, "app", "studies"))
assert all(len(found) > 30 for found in names.values())
from clustersim.cli import main
sys.argv[1:] = ["topology", "meta_24k"]
main()
"""
    words = [sys.executable, "-c", asked, str(tmp_path / "site")]
    done = subprocess.run(words, cwd=tmp_path / "empty", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "24,576" in done.stdout
    assert list((tmp_path / "empty").iterdir()) == []


def test_what_is_left_behind_is_known_by_its_name():
    left = ("results/a", "a/build/b", "x/__pycache__/a.pyc", ".numba_cache/x", "a.nbi", ".pytest_cache/v", "run.log")
    assert all(FORBIDDEN.search(name) for name in left)
    kept = ("clustersim/report/results.py", "docs/building.md", "clustersim/study/build_out.py", "app/screens/power.py")
    assert not any(FORBIDDEN.search(name) for name in kept)


def test_the_papers_name_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "version", "type", "license"} <= set(cited)
    assert cited["version"] == clustersim.__version__
    assert cited["authors"] == [{"name": "The clustersim authors"}]
    assert cited["license"] == "Apache-2.0"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(clustersim.__version__)}\b", changes, re.MULTILINE)


def test_every_supported_python_is_looked_for():
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    supported = {one.rsplit(" ")[-1] for one in metadata.metadata("clustersim").get_all("Classifier") if "3." in one}
    assert supported == {"3.11", "3.12", "3.13"}
    assert running in supported
    assert set(found()) <= supported
    assert all(Path(path).exists() for path in found().values())


def test_the_licence_of_everything_pinned_that_users_need_is_listed():
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    users = needed("") | needed("cluster")
    listed = dict(re.findall(r"^\| (\S+) \| (\S+) \|", page, re.MULTILINE))
    for name in users:
        assert listed[name] == pins()[name]
    copyleft = re.findall(r"^- (\S+):", page, re.MULTILINE)
    for name in sorted(users):
        try:
            told = licence(name)
        except metadata.PackageNotFoundError:  # needed by an older Python alone
            continue
        assert f"| {name} | {pins()[name]} | {told} |" in page
        assert (name in copyleft) == bool(COPYLEFT.search(told))
