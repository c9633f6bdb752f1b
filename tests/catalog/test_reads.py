"""Which figures are read."""

from clustersim import catalog


def test_reads_are_recorded_with_the_entrys_own_name():
    with catalog.recorded() as reads:
        catalog.entry("accelerators", "H100").si("tdp")
    assert reads == {catalog.Read("accelerators", "H100-SXM", "tdp")}
    catalog.entry("accelerators", "H100").si("tdp")
    assert len(reads) == 1


def test_recordings_lie_inside_each_other():
    with catalog.recorded() as outer:
        catalog.entry("accelerators", "H100").si("tdp")
        with catalog.recorded() as inner:
            catalog.entry("accelerators", "H200").si("tdp")
        catalog.entry("accelerators", "B200").si("tdp")
    assert {read.entry for read in inner} == {"H200-SXM"}
    assert {read.entry for read in outer} == {catalog.entry("accelerators", n).name for n in ("H100", "H200", "B200")}


def test_a_warm_process_reads_what_a_fresh_one_does():
    @catalog.catalog_cache
    def watts(name: str) -> float:
        return catalog.entry("accelerators", name).si("tdp")

    watts("H100")
    with catalog.recorded() as reads:
        watts("H100")
    assert reads == {catalog.Read("accelerators", "H100-SXM", "tdp")}
