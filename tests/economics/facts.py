"""A site of 8,000 accelerators on the grid for a year."""

from clustersim.economics.facts import Accelerators, CostFacts

YEAR = 31557600.0
MWH = 3.6e9
FACTS = CostFacts(
    accelerators=(Accelerators("H100-SXM", 8000, 1000),),
    network_usd=30e6,
    provisioned_it_w=12e6,
    mean_it_w=10e6,
    horizon_s=YEAR,
    grid_energy_j=100_000 * MWH,
    tokens_per_s=1e6,
    goodput=0.9,
)
