"""Verb `topology`: the parts of a place, paths, losses and traffic on its network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.named_files import located
from clustersim.cli.options import JsonOption, different_files
from clustersim.console import show, show_json, told
from clustersim.whole_file import write_all


def topology(
    place: Annotated[str, typer.Argument(metavar="TOPOLOGY", help="Topology file, or the name of a shipped one.")],
    ends: Annotated[
        tuple[str, str] | None,
        typer.Option("--path", metavar="A B", help="The way between two accelerators: 17 or SITE/gpu17."),
    ] = None,
    lost: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="PART", help="What the loss of spine3, leaf0:spine1, 'fibre a-b' does."),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="How flows choose paths: ecmp, static, spread, rail_local, valiant."),
    ] = None,
    traffic: Annotated[
        list[str] | None,
        typer.Option(
            "--traffic",
            metavar="KIND:SIZE",
            help="Exchanges at the same time: ring, all_to_all or incast:SIZE[:STRIDE][@FIRST-LAST], or permutation.",
        ),
    ] = None,
    collectives: Annotated[
        list[str] | None,
        typer.Option("--collective", metavar="KIND:MEMBERS", help="Times by size: all_reduce:1024, all_gather:64:8."),
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Of the all-reduce, on every accelerator.")] = "1 GB",
    exported: Annotated[
        Path | None, typer.Option("--export", help="Write the switch graph: .graphml, .json (node-link) or .csv.")
    ] = None,
    one_line: Annotated[
        Path | None, typer.Option("--one-line", metavar="FILE.svg", help="Draw the electrical one-line diagram.")
    ] = None,
    site_map: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.svg", help="Draw where the sites are, and their fibre.")
    ] = None,
    map_all: Annotated[
        Path | None,
        typer.Option("--map-all", metavar="FILE.svg", help="Draw where all shipped places are, and this one."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with the picture and the tables.")] = None,
    losses: Annotated[
        bool, typer.Option("--losses", help="The table of losses of a very large place too, which takes long.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count the parts of a place; find paths; time collectives; tell what a loss or other traffic does."""
    from clustersim.report.place_answers import answers_data, answers_text, read_size
    from clustersim.report.place_graph import check_format, export
    from clustersim.scenario import load_topology
    from clustersim.study.places.place import build_place
    from clustersim.study.places.survey import POLICIES, SURVEYED, loss, path, read_policies, survey
    from clustersim.study.places.traffic import COMPARED, place_traffic

    size_bytes = read_size(size)
    if exported is not None:
        check_format(exported)
    different_files(export=exported, one_line=one_line, map=site_map, map_all=map_all, html=html)
    with told() as tell:
        tell("place")
        built = build_place(load_topology(located(place, "topologies")), "bf16")
        chosen = read_policies(built, policy, POLICIES)
        found_path = path(built, ends, chosen[0], lost or ()) if ends else None
        if lost:
            tell("losses")
        found_loss = loss(built, lost, chosen) if lost else None
        if traffic or collectives:
            tell("traffic")
        compared = read_policies(built, policy, COMPARED)
        moved = place_traffic(built, traffic or (), collectives or (), compared, lost or ())
        asked = found_path is not None or found_loss is not None or moved is not None
        whole = None
        if as_json or html or losses or not asked:
            whole = survey(built, read_policies(built, policy, SURVEYED), losses=losses, tell=tell)
        texts = {}
        if exported is not None:
            tell("switch graph")
            texts[exported] = export(built, exported)
        if one_line is not None:
            from clustersim.report.one_line import place_one_line

            tell("one-line diagram")
            texts[one_line] = place_one_line(built, one_line)
        if site_map is not None or map_all is not None:
            from clustersim.report.site_map import map_files

            tell("map")
            texts |= map_files(built, site_map, map_all)
        if html is not None and whole is not None:
            from clustersim.report.place_page import place_html

            tell("page")
            texts[html] = place_html(whole, size_bytes, found_loss, found_path)
    write_all(texts)
    if as_json and whole is not None:
        show_json(answers_data(whole, size_bytes, found_path, found_loss, moved))
    else:
        show(answers_text(whole, size_bytes, found_path, found_loss, moved))
