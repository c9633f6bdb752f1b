"""Pages of the documentation that are made from the program: whole, with links that lead somewhere, offline."""

import re
from pathlib import Path

import pytest

import clustersim
from clustersim import catalog
from clustersim.fabric.spec import FatTreeSpec
from clustersim.limits.packs import rules_of
from clustersim.limits.spec import LimitsSpec
from clustersim.limits.spec_parts.rule import MEASURES, Rule
from clustersim.plant.spec_parts.network import NetworkMachineSpec
from clustersim.power.spec import GpuSmoothing
from clustersim.scenario.spec import Scenario
from clustersim.scenario.topology import TopologySpec
from clustersim.summary_keys import summary_keys
from site_pages import built_in, commands, errors, fields, generated, included, markdown, names, offline, rooms

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [page for page in DOCS.rglob("*.md") if "site_pages" not in page.parts]


def cells(text, key):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_a_table_escapes_what_would_end_a_cell():
    assert markdown.table(("a", "b"), [("x|y", "two\nlines")]) == "| a | b |\n| --- | --- |\n| x\\|y | two lines |\n"
    assert markdown.code("a`b") == "``a`b``"


def test_markers_are_replaced_and_unknown_ones_refused():
    page = "# Title\n\n<!-- generated: words -->\n\nText with <!-- generated: words --> inside.\n"
    found = generated.filled(page)
    assert "| bubble |" in found
    assert "Text with <!-- generated: words --> inside." in found
    with pytest.raises(KeyError, match="nothing"):
        generated.filled("<!-- generated: nothing -->\n")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_markers_of_pages_name_generators(path):
    for marker in generated.MARKER.finditer(path.read_text(encoding="utf-8")):
        assert marker[1] in generated.GENERATORS


def test_fields_have_how_they_are_written_what_holds_without_and_their_range():
    found = fields.fields("scenario")
    floor = cells(found.split(f"({fields.anchor(GpuSmoothing)})=")[1].split("(fields-")[0], "floor")
    assert floor[2:4] == ["ratio: `%`, `pu`, `x`", "**required**"]
    seed = cells(found.split(f"({fields.anchor(Scenario)})=")[1].split("(fields-")[0], "seed")
    assert seed[2:] == ["whole number", "`1`", "at least 0"]
    tree = cells(fields.fields("topology").split(f"({fields.anchor(FatTreeSpec)})=")[1].split("(fields-")[0], "goodput")
    assert tree[3:] == ["**required**", "above 0 %, at most 100 %"]


@pytest.mark.parametrize("file", fields.FILES)
def test_every_field_of_every_record_is_in_one_table(file):
    text = fields.fields(file)
    for record in fields.records(file):
        if fields.page_of(record) == f"reference/{file}":
            own = text.split(f"({fields.anchor(record)})=")
            assert len(own) == 2, record
            table = own[1].split("\n(fields-")[0]
            for name, info in record.model_fields.items():
                assert len(cells(table, info.alias or name)) == 5


@pytest.mark.parametrize("file", fields.FILES)
def test_no_field_is_without_words(file):
    heads = re.escape("| key | what it is | how it is written | left out | range |\n| --- | --- | --- | --- | --- |\n")
    for table in re.findall(f"{heads}((?:\\|.*\\n)+)", fields.fields(file) + "\n"):
        for line in table.splitlines():
            key, words = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:3])
            assert re.match(r"[^\W\d_]|`", words), f"{key}: write below the field what it is"


def test_a_bare_number_has_its_unit():
    network = fields.fields("topology").split(f"({fields.anchor(NetworkMachineSpec)})=")[1].split("(fields-")[0]
    assert cells(network, "xd1")[2] == "number (pu)"
    assert cells(network, "td10")[2].startswith("time: ")
    assert cells(fields.fields("scenario"), "least_share")[2].startswith("ratio: ")


def test_links_between_tables_of_fields_lead_somewhere():
    text = "".join(map(fields.fields, fields.FILES))
    assert set(re.findall(r"\(#(fields-[^)]+)\)", text)) <= set(re.findall(r"^\((fields-.+)\)=$", text, re.MULTILINE))


def test_a_band_has_the_units_of_what_it_holds():
    assert cells(fields.fields("pack"), "band")[2].startswith("list of frequency: `mHz`, `Hz`")
    assert fields.page_of(Rule) == "reference/pack"
    assert fields.page_of(TopologySpec) == "reference/topology"
    assert fields.page_of(Exception) is None


def test_measures_and_packs_are_whole():
    for measure, kind in MEASURES.items():
        assert cells(fields.measures(), measure)[1].startswith(kind.dimension)
    found = built_in.packs()
    for pack in ("ercot-lel", "standard"):
        for rule in rules_of(LimitsSpec(packs=(pack,))):
            assert f"| `{rule.id}` |" in found


def test_the_command_line_is_whole():
    found = commands.commands()
    assert cells(found.split("## `size`")[1].split("\n## ")[0], "--meet PACK")[1].startswith("Rule pack to keep")
    assert cells(found.split("## `assess`")[1].split("\n## ")[0], "TRACE")[2] == "**required**"
    assert "```text\nclustersim plan [SCENARIO] [OPTIONS]\n```" in found


def test_the_catalog_is_counted():
    found = built_in.kinds()
    for kind in catalog.kinds():
        figures = sum(len(entry.figures) for entry in catalog.entries(kind).values())
        assert cells(found, kind)[1:3] == [f"{len(catalog.entries(kind)):,}", f"{figures:,}"]
        assert sum(int(cell.replace(",", "")) for cell in cells(found, kind)[3:8]) == figures


def test_keys_units_and_words_are_whole():
    found = built_in.keys()
    assert all(f"| `{key}` |" in found for key in summary_keys())
    assert "| power | `W`, `kW`, `MW`, `GW` | 1, 1000, 1000000, 1e+09 |" in built_in.dimensions()


def test_errors_are_those_of_the_pages():
    found = errors.errors()
    line = next(
        line for line in (DOCS / "validation.md").read_text(encoding="utf-8").splitlines() if line[:6] == "| test"
    )
    assert line in found
    assert "| model | what | held against | result |" in errors.modelled()


def test_a_room_shows_what_it_offers_once():
    assert "Waveform" not in rooms.offered("clustersim.power")
    assert "Waveform" in rooms.offered("clustersim")
    assert "Scenario" not in rooms.offered("clustersim")
    assert "| `spectrum` | The spectrum of a power waveform" in rooms.room("power", "spectrum")
    assert ".. automodule:: clustersim.power.spectrum" in rooms.room("power", "spectrum")


def test_every_room_has_a_page_and_what_it_names_is_there():
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (DOCS / "reference" / "rooms").glob("*.md")}
    assert set(pages) == {path.parent.name for path in rooms.PACKAGE.glob("*/__init__.py")}
    for name, page in pages.items():
        (shown,) = re.findall(rf"^<!-- generated: room {name}(.*) -->$", page, re.MULTILINE)
        assert set(shown.split()) <= set(rooms.modules(name)), name


def test_names_are_looked_up():
    assert names.meant("run", "clustersim") is clustersim.run
    assert names.meant("dict[str", None) is dict
    assert names.meant("lasting_extremes", "clustersim.limits").__module__ == "clustersim.limits.measures"
    with pytest.raises(LookupError):
        names.meant("no_such_name", "clustersim.limits")


def test_links_of_included_pages_hold(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("")
    (tmp_path / "b.py").write_text("")
    (tmp_path / "PAGE.md").write_text(
        "# Page\n[a](docs/a.md#x) [b](b.py) [c](docs) [d](https://d.org) [e](e.md)\n## More\n"
    )
    monkeypatch.setattr(included, "ROOT", tmp_path)
    assert included.beginning("PAGE.md") == "# Page\n[a](/a.md#x) [b](/../b.py) `docs` [d](https://d.org) [e](e.md)"
    assert included.others(".").splitlines()[2:-1] == ["/a"]
    (tmp_path / "docs" / "b.md").write_text("```{toctree}\n:hidden:\na\nOf it <b>\n```\n")
    assert included.listed() == ["a", "b"]
    assert included.others(".") == ""


def test_what_a_browser_would_fetch_is_found(tmp_path):
    page = (
        '<script src="https://a.org/x.js"></script><img alt="" src=\'//b.org/i.png\'><link rel="stylesheet" href="http://c.org/s.css">'
        '<style>@import "https://d.org/t.css"; p {background: url(https://e.org/u.png)}</style>'
        '<a href="https://f.org">f</a><img src="_images/i.png"><link rel="next" href="https://g.org/">'
        '<script src="s.js"></script>'
    )
    assert [address.split("/")[2] for address in offline.needed_elsewhere(page)] == [
        "a.org",
        "b.org",
        "c.org",
        "d.org",
        "e.org",
    ]
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.txt").write_text(page)
    assert {path.name for path, _ in offline.in_folder(tmp_path)} == {"a.html"}


def test_no_page_is_in_two_tables_of_contents_and_none_is_without():
    found = included.listed()
    assert len(found) == len(set(found))
    assert all((DOCS / f"{name}.md").is_file() for name in found)
    made = [folder for path in PAGES for folder in re.findall("generated: others (.+) -->", path.read_text())]
    named = re.findall("^/(.+)$", "\n".join(map(included.others, made)), re.MULTILINE)
    assert {*found, *named, "index"} == {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}


def test_every_page_is_reached_from_the_first():
    reached, waiting = set(), ["index"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        page = DOCS / f"{name}.md"
        text = page.read_text(encoding="utf-8")
        tables = included.TOCTREE.findall(text)
        for folder in re.findall("^<!-- generated: others (.+) -->$", text, re.MULTILINE):
            tables += included.TOCTREE.findall(included.others(folder))
        named = [included.TITLED.sub(r"\1", line) for table in tables for line in table.splitlines()]
        found = [
            one.removeprefix("/") if one.startswith("/") else (page.parent / one).relative_to(DOCS).as_posix()
            for one in named
        ]
        waiting += set(found) - reached
    assert reached == {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}


MODELS = [path for path in (DOCS / "models").glob("*.md") if path.stem not in ("damping_table", "properties")]
"""Pages of models; a table of one of them and the properties of all are none."""


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_page_of_a_model_has_equations_sources_comparisons_and_bounds(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^#+ (Held against|Errors)", text, re.MULTILINE)
    assert re.search(r"^## (Not modelled|Left out)$", text, re.MULTILINE)
    assert re.search(r"^    \S|`[^`\n]*[=<>+/][^`]*`|Error = ", text, re.MULTILINE)
    assert re.search(r"[Cc]atalog|arXiv|IEEE|IEC|reference/|clustersim/", text)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_page_of_a_model_says_where_it_holds(path):
    *before, held = path.read_text(encoding="utf-8").split("\n## Where it holds\n")
    assert len(before) == 1
    assert re.search(r"^## (Held against|Errors)", before[0], re.MULTILINE), (
        "it stands behind what the model was held against"
    )
    said = held.split("\n## ")[0]
    for mark in ("Range", "Assumed", "What breaks it"):
        assert re.search(rf"^- \*\*{mark}\.?\*\*,?\s+\S", said, re.MULTILINE), mark


def test_links_to_pages_above_docs_are_those_of_the_site():
    page = "see [how](../CONTRIBUTING.md#how-to-add), [what](../../CHANGELOG.md) and [where](places.md)"
    assert (
        included.above_linked(page)
        == "see [how](/contributing.md#how-to-add), [what](/changelog.md) and [where](places.md)"
    )
