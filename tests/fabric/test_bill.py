import math

import pytest

from clustersim import catalog
from clustersim.errors import CatalogError, InputError
from clustersim.fabric import bill_of_materials, bill_totals, build_fabric
from clustersim.fabric.wan import wan_reach_warnings

OPTICS = {"host": "400G SR4", "leaf": "800G 2xSR4", "leaf_spine": "800G 2xDR4", "spine_core": "800G 2xDR4"}


def counts(items):
    return {item.item: item.count for item in items}


def test_counts_of_the_full_tree(make_spec, make_site):
    bill = bill_of_materials(build_fabric(make_spec(optics=OPTICS), [make_site(65_536)]))
    found = counts(bill)
    assert found["leaf switch"] + found["spine switch"] + found["core switch"] == 5_120
    assert found["optics host-leaf, host end"] == 65_536
    assert found["optics host-leaf, leaf end"] == 32_768  # twin-port modules carry two links
    assert found["optics leaf-spine, leaf end"] == found["optics leaf-spine, spine end"] == 32_768
    assert found["cable leaf-spine"] + found["cable spine-core"] == 131_072


def test_figures_come_from_the_catalog(make_spec, make_site):
    bill = bill_of_materials(build_fabric(make_spec(), [make_site(1_000)]))
    leaf = next(item for item in bill if item.item == "leaf switch")
    entry = catalog.entry("switches", "QM9700")
    assert (leaf.watts_typical, leaf.usd) == (entry.si("power.typical"), entry.si("price"))
    assert "NV-SW" in leaf.sources
    host = next(item for item in bill if item.item == "optics host-leaf, host end")
    assert (host.watts_typical, host.watts_maximum) == (7.0, 8.0)


def test_totals_are_the_sums(make_spec, make_site):
    bill = bill_of_materials(build_fabric(make_spec(), [make_site(1_000)]))
    totals = bill_totals(bill)
    assert totals.usd == pytest.approx(sum(item.count * (item.usd or 0.0) for item in bill))
    assert totals.watts_typical == pytest.approx(sum(item.count * item.watts_typical for item in bill))
    assert totals.watts_typical < totals.watts_maximum
    assert totals.without_watts == ()
    assert totals.without_price == ("cable host-leaf", "cable leaf-spine", "cable spine-core")


@pytest.mark.parametrize(("tiers", "endpoints", "published"), [(2, 2_048, 4_390), (3, 65_536, 7_500)])
def test_cost_per_endpoint_beside_the_published(make_spec, make_site, tiers, endpoints, published):
    # arXiv 2505.09343 counts 4,390 and 7,500 USD per endpoint; our bill has no cables and no NICs, so it is lower
    optics = OPTICS if tiers == 3 else {key: OPTICS[key] for key in ("host", "leaf", "leaf_spine")}
    fabric = build_fabric(make_spec(tiers=tiers, optics=optics), [make_site(endpoints)])
    each = bill_totals(bill_of_materials(fabric)).usd / endpoints
    assert 0.6 * published < each < published


def test_copper_is_one_assembly_per_link(make_spec, make_site):
    fabric = build_fabric(make_spec(optics={**OPTICS, "host": "DAC", "leaf": "DAC"}), [make_site(64)])
    found = counts(bill_of_materials(fabric))
    assert found["copper host-leaf"] == 32
    assert "cable host-leaf" not in found
    mixed = build_fabric(make_spec(optics={**OPTICS, "host": "DAC"}), [make_site(64)])
    with pytest.raises(InputError, match="copper at both ends"):
        bill_of_materials(mixed)


@pytest.mark.parametrize(("lon", "huts"), [(-95.9, 0), (-96.8, 1), (-98.0, 3)])
def test_long_haul(make_spec, make_site, lon, huts):
    link = {"a": "east", "b": "west", "fibre_pairs": 40, "pair_capacity": "25.6 Tbit/s"}
    wan = {"route_factor": 1.3, "delay_per_km": "4.9 us", "transceiver": "400ZR", "links": [link]}
    sites = [make_site(64, "east", 41.0, -95.8), make_site(64, "west", 41.0, lon)]
    fabric = build_fabric(make_spec(wan=wan), sites)
    found = counts(item for item in bill_of_materials(fabric) if item.place == "east - west")
    assert found["WAN transceiver"] == 2 * 40 * 64  # 64 x 400ZR light a pair
    assert found["WAN fibre pair"] == 40
    assert found.get("WAN line amplifier hut", 0) == huts
    assert huts == max(0, math.ceil(fabric.wan[0].route_m / 80e3) - 1)


def test_a_second_way_has_its_own_parts(make_spec, make_site):
    second = {"fibre_pairs": 10, "length": "400 km"}
    link = {"a": "east", "b": "west", "fibre_pairs": 40, "channels": 64, "length": "200 km", "protection": second}
    wan = {"route_factor": 1.3, "delay_per_km": "4.9 us", "transceiver": "400ZR", "links": [link]}
    fabric = build_fabric(make_spec(wan=wan), [make_site(64, "east"), make_site(64, "west", 41.0, -97.0)])
    found = counts(item for item in bill_of_materials(fabric) if item.place == "east - west")
    assert found == {
        "WAN transceiver": 2 * 40 * 64,
        "WAN regenerator transceiver": 2 * 40 * 64,  # 400ZR reaches 100 km: one site, two modules for each wavelength
        "WAN fibre pair": 40,
        "WAN line amplifier hut": 2,
        "WAN second way, transceiver": 2 * 10 * 64,
        "WAN second way, regenerator transceiver": 3 * 2 * 10 * 64,
        "WAN second way, fibre pair": 10,
        "WAN second way, line amplifier hut": 4,
    }


def test_transceivers_that_do_not_reach_are_regenerated(make_spec, make_site):
    second = {"fibre_pairs": 3, "length": "650 km"}
    link = {"a": "east", "b": "west", "fibre_pairs": 5, "pair_capacity": "30 Tbit/s", "length": "400 km"}
    wan = {"route_factor": 1.3, "delay_per_km": "4.9 us", "transceiver": "800ZR+", "links": [link]}
    sites = [make_site(64, "east"), make_site(64, "west", 41.0, -97.0)]
    fabric = build_fabric(make_spec(wan=wan), sites)
    found = counts(item for item in bill_of_materials(fabric) if item.place == "east - west")
    # inside the range of 120 to 500 km; 30 Tbit/s are 38 wavelengths of 800 Gbit/s on each of the pairs
    assert found["WAN transceiver"] == 2 * 5 * 38
    assert "WAN regenerator transceiver" not in found
    (said,) = wan_reach_warnings(fabric.spec.wan, fabric.wan)
    assert "400 km of fibre, longer than the 310 km (120 to 500 km) that 800ZR+ reaches; inside the range" in said
    wan["links"] = [{**link, "length": "700 km", "protection": second}]
    longer = build_fabric(make_spec(wan=wan), sites)
    found = counts(item for item in bill_of_materials(longer) if item.place == "east - west")
    # ceil(700 / 310) - 1 = ceil(650 / 310) - 1 = 2 sites, two modules back to back for each wavelength
    assert found["WAN regenerator transceiver"] == 2 * 2 * 5 * 38
    assert found["WAN second way, regenerator transceiver"] == 2 * 2 * 3 * 38
    assert ["second way" in said for said in wan_reach_warnings(longer.spec.wan, longer.wan)] == [False, True]


def test_a_module_of_two_ports_lights_two_pairs(make_spec, make_site):
    link = {"a": "east", "b": "west", "fibre_pairs": 41, "pair_capacity": "400 Gbit/s"}
    wan = {"route_factor": 1.5, "delay_per_km": "4.9 us", "transceiver": "800G 2xFR4", "links": [link]}
    sites = [make_site(64, "east", 41.0, -95.8), make_site(64, "west", 41.003, -95.8)]
    found = counts(bill_of_materials(build_fabric(make_spec(wan=wan), sites)))
    assert found["WAN transceiver"] == 2 * 21


def test_unpriced_parts_are_named_and_not_summed(make_spec, make_site, monkeypatch):
    real = catalog.entry

    def without_figures(kind, name):
        found = real(kind, name)
        return (
            found.model_copy(update={"figures": {"capacity": found.figure("capacity")}})
            if kind == "switches"
            else found
        )

    monkeypatch.setattr(catalog, "entry", without_figures)
    totals = bill_totals(bill_of_materials(build_fabric(make_spec(), [make_site(64)])))
    assert "leaf switch QM9700" in totals.without_watts
    assert "leaf switch QM9700" in totals.without_price
    assert totals.usd > 0.0


def test_wrong_modules_are_refused(make_spec, make_site):
    slow = build_fabric(make_spec(port_rate="800 Gbit/s", radix=32), [make_site(64)])
    with pytest.raises(InputError, match="400G SR4 carries 400 Gbit/s, less than a port of 800"):
        bill_of_materials(slow)
    unknown = build_fabric(make_spec(optics={**OPTICS, "host": "400G SR5"}), [make_site(64)])
    with pytest.raises(CatalogError, match="400G SR4"):
        bill_of_materials(unknown)
