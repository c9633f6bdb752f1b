"""Which system each preset belongs to: the order in which the gallery shows them."""

from __future__ import annotations

OTHERS = "Others"
GROUPS: dict[str, tuple[str, ...]] = {
    "xAI": ("colossus_200k", "memphis_surveyed", "colossus_2"),
    "OpenAI and Oracle": (
        "abilene_first_section",
        "abilene_surveyed",
        "abilene_as_said",
        "stargate_phase_1",
    ),
    "Microsoft": ("fairwater_pair", "arizona_as_said", "arizona_130k", "gpt4_20k", "gpt4_25k"),
    "Google": (
        "iowa_nebraska",
        "iowa_nebraska_diloco",
        "iowa_nebraska_rack_power",
        "iowa_nebraska_four_sites",
        "ohio_three_sites",
        "pryor",
    ),
    "Meta": ("llama3_405b_54d", "meta_128k", "prometheus", "hyperion"),
    "AWS and CoreWeave": ("rainier_400k", "rainier_million", "madison", "denton"),
    "DeepSeek": ("deepseek_v3", "v3_on_h100", "v3_on_h20", "deepseek_fleet_shared"),
    "Measured power": ("measured_load_memphis", "production_h100", "virginia_dips"),
    "One site or many": (
        "one_or_many/one_building",
        "one_or_many/two_sites_equal_gpus",
        "one_or_many/two_sites_equal_megawatts",
        "one_or_many/two_sites_equal_dollars",
        "one_or_many/three_sites_equal_gpus",
        "one_or_many/three_sites_equal_megawatts",
        "one_or_many/three_sites_equal_dollars",
        "one_or_many/five_sites_equal_gpus",
        "one_or_many/five_sites_equal_megawatts",
        "one_or_many/five_sites_equal_dollars",
    ),
}
"""System -> names of its shipped scenarios; what stands in none is among the others."""


def group_of(name: str) -> str:
    """Return the group of a shipped scenario."""
    return next((group for group, names in GROUPS.items() if name in names), OTHERS)
