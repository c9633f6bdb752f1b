"""The plant: grid, island, battery, conversion losses and cooling answer the power of the site.

`simulate_plant` integrates the swing equation of the interconnection or of the island and gives the voltage at the
point of interconnection; `cooling_response` and `steady_cooling` answer heat; `electrical_losses` and
`reactive_power` complete the meter; `settled_heat` and `heated_cooling` add to the heat what is lost and what fans draw
inside the cooled rooms.
"""

from clustersim.plant.cooling import (
    CoolingResponse,
    CoolingState,
    cooling_response,
    steady_cooling,
    time_to_alarm,
)
from clustersim.plant.cooling_long import CoolingHistory, cooling_history
from clustersim.plant.cooling_outdoors import Outdoors, cooling_outdoors
from clustersim.plant.cooling_reserve import CoolingReserve, cooling_reserve, units_to_spare
from clustersim.plant.cooling_staging import RideThrough, UnitLoss, lose_units, ride_through, stage_units, unit_starts
from clustersim.plant.cooling_year import CoolingYear, cooling_year
from clustersim.plant.course import Course, Voltage
from clustersim.plant.dispatch import (
    battery_energy_j,
    battery_rating_w,
    dispatch_shares,
    generator_rating_w,
    island_capacity_w,
    load_acceptance_w,
    steady_generation_w,
    turns,
)
from clustersim.plant.fuel import (
    Burn,
    burn,
    fuel_class,
    heat_rate,
    minimum_load_w,
    spinning_reserve_w,
    units_online,
)
from clustersim.plant.hall_heat import heated_cooling, rated_it_part, released_w, settled_heat, sustainable_it
from clustersim.plant.island_events import (
    IslandAnswer,
    allowed_share,
    battery_for_w,
    kept_output_w,
    left_alone,
    online_beside_grid,
    trip_band,
    tripped_output_w,
    tripped_s,
    without_units,
)
from clustersim.plant.load_step import largest_step
from clustersim.plant.losses import (
    electrical_losses,
    equipment_reactive,
    power_factor,
    reactive_power,
    transformer_reactive,
)
from clustersim.plant.reconnection import DipLoad, SiteRidden, boot_s, ride_site, ups_feed, worst_corner
from clustersim.plant.records import PlantEvent, PlantResponse
from clustersim.plant.simulate import simulate_plant
from clustersim.plant.spec import GeneratorSpec, Mode, SiteCoolingSpec, SitePlantSpec
from clustersim.plant.voltage import Source, grid_source, pcc_voltage, short_circuit_va
from clustersim.plant.weather import Air, WeatherYear, design_air, weather_year

__all__ = [
    "Air",
    "Burn",
    "CoolingHistory",
    "CoolingReserve",
    "CoolingResponse",
    "CoolingState",
    "CoolingYear",
    "Course",
    "DipLoad",
    "GeneratorSpec",
    "IslandAnswer",
    "Mode",
    "Outdoors",
    "PlantEvent",
    "PlantResponse",
    "RideThrough",
    "SiteCoolingSpec",
    "SitePlantSpec",
    "SiteRidden",
    "Source",
    "UnitLoss",
    "Voltage",
    "WeatherYear",
    "allowed_share",
    "battery_energy_j",
    "battery_for_w",
    "battery_rating_w",
    "boot_s",
    "burn",
    "cooling_history",
    "cooling_outdoors",
    "cooling_reserve",
    "cooling_response",
    "cooling_year",
    "design_air",
    "dispatch_shares",
    "electrical_losses",
    "equipment_reactive",
    "fuel_class",
    "generator_rating_w",
    "grid_source",
    "heat_rate",
    "heated_cooling",
    "island_capacity_w",
    "kept_output_w",
    "largest_step",
    "left_alone",
    "load_acceptance_w",
    "lose_units",
    "minimum_load_w",
    "online_beside_grid",
    "pcc_voltage",
    "power_factor",
    "rated_it_part",
    "reactive_power",
    "released_w",
    "ride_site",
    "ride_through",
    "settled_heat",
    "short_circuit_va",
    "simulate_plant",
    "spinning_reserve_w",
    "stage_units",
    "steady_cooling",
    "steady_generation_w",
    "sustainable_it",
    "time_to_alarm",
    "transformer_reactive",
    "trip_band",
    "tripped_output_w",
    "tripped_s",
    "turns",
    "unit_starts",
    "units_online",
    "units_to_spare",
    "ups_feed",
    "weather_year",
    "without_units",
    "worst_corner",
]
