"""A pulsating load in a grid of two areas: modes, and what half, one and two times the slowest of them does."""

import numpy as np

from clustersim.plant.network import network_model, read_network, run_network
from clustersim.plant.network_linear import (
    area_difference,
    forced_response,
    inter_area_mode,
    linearise,
    network_modes,
)

network = read_network("two_area")
model = network_model(network, ("7",))  # bus 7: where a site would draw its power
linear = linearise(model, "7")
modes = network_modes(linear)

print("electromechanical modes:")
for mode in modes:
    if mode.mechanical:
        shape = ", ".join(f"{name} {value:+.2f}" for name, value in zip(mode.machines, mode.shape.real, strict=True))
        print(f"  {mode.frequency_hz:.3f} Hz, damping {100 * mode.damping:.1f} %, shape {shape}")

slowest = inter_area_mode(modes)
dt = 1e-3
time = np.arange(round(60.0 / dt)) * dt
print("square wave of +-10 MW at bus 7, swing between the areas once settled:")
for multiple in (0.5, 1.0, 2.0):
    period = 1.0 / (multiple * slowest.frequency_hz)
    load = np.where(time % period < period / 2, 10e6, -10e6)
    found = []
    for answer in (forced_response(linear, load, dt), run_network(model, {"7": load}, dt).frequency_hz):
        swing = area_difference(linear.machines, answer, ("G1", "G2"), ("G3", "G4"))
        found.append(1e3 * np.ptp(swing[time > 40.0]))
    print(f"  {multiple:g} x the mode: {found[0]:.1f} mHz peak to peak (linear), {found[1]:.1f} mHz (full model)")
