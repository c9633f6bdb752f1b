"""The plant: grid, island, battery, conversion losses and cooling answer the power of the site.

`simulate_plant` integrates the swing equation of the interconnection or of the island and gives the voltage at the
point of interconnection; `cooling_response` and `steady_cooling` answer heat; `electrical_losses` and
`reactive_power` complete the meter.
"""

from clustersim.plant.cooling import (
    CoolingResponse,
    CoolingState,
    cooling_response,
    steady_cooling,
    time_to_alarm,
)
from clustersim.plant.losses import electrical_losses, power_factor, reactive_power
from clustersim.plant.records import Mode, PlantResponse
from clustersim.plant.simulate import simulate_plant
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.plant.voltage import Source, grid_source, pcc_voltage

__all__ = [
    "CoolingResponse",
    "CoolingState",
    "Mode",
    "PlantResponse",
    "SiteCoolingSpec",
    "SitePlantSpec",
    "Source",
    "cooling_response",
    "electrical_losses",
    "grid_source",
    "pcc_voltage",
    "power_factor",
    "reactive_power",
    "simulate_plant",
    "steady_cooling",
    "time_to_alarm",
]
