"""Tables of IEC 61000-4-15 with which a flickermeter is checked, and the signals that they describe.

As held by the verification script of `flicker_sim` in QWTB (M. Sira, Czech Metrology Institute, MIT licence), whose
editions 2 and 3 are Ed. 1.1 of 2003 and Ed. 2 of 2010; Table 5 of Ed. 1.1 is also in Solcept's `flicker_sim`.
"""

import numpy as np

# Table 5: rectangular changes per minute and relative change [%] that give Pst = 1.
PST = {
    "230 V 50 Hz": {
        "1.1": ((1, 2.724), (2, 2.211), (7, 1.459), (39, 0.906), (110, 0.725), (1620, 0.402), (4000, 2.40)),
        "2": ((1, 2.715), (2, 2.191), (7, 1.450), (39, 0.894), (110, 0.722), (1620, 0.407), (4000, 2.343)),
    },
    "120 V 60 Hz": {
        "1.1": ((1, 3.166), (2, 2.568), (7, 1.695), (39, 1.044), (110, 0.841), (1620, 0.547), (4800, 4.834)),
        "2": ((1, 3.181), (2, 2.564), (7, 1.694), (39, 1.040), (110, 0.844), (1620, 0.548), (4800, 4.837)),
    },
}

_TO_12 = [*np.arange(0.5, 8.01, 0.5), 8.8, *np.arange(9.5, 12.01, 0.5)]

# Table 1, Ed. 2: frequency [Hz] and relative change [%] of a sinusoid whose Pinst peaks at 1.
SINE = {
    "230 V 50 Hz": tuple(zip(
        [*_TO_12, *range(13, 26), 100 / 3],
        [2.325, 1.397, 1.067, 0.879, 0.747, 0.645, 0.564, 0.497, 0.442, 0.396, 0.357, 0.325, 0.3, 0.280, 0.265, 0.256,
         0.250, 0.254, 0.261, 0.271, 0.283, 0.298, 0.314, 0.351, 0.393, 0.438, 0.486, 0.537, 0.590, 0.646, 0.704, 0.764,
         0.828, 0.894, 0.964, 1.037, 2.128], strict=True)),
    "120 V 60 Hz": tuple(zip(
        [*_TO_12, *range(13, 26), 100 / 3, 40.0],
        [2.453, 1.465, 1.126, 0.942, 0.815, 0.717, 0.637, 0.570, 0.514, 0.466, 0.426, 0.393, 0.366, 0.346, 0.332, 0.323,
         0.321, 0.329, 0.341, 0.355, 0.373, 0.394, 0.417, 0.469, 0.528, 0.592, 0.660, 0.734, 0.811, 0.892, 0.977, 1.067,
         1.160, 1.257, 1.359, 1.464, 2.570, 4.393], strict=True)),
}  # fmt: skip

# Table 2, Ed. 2: the same with a rectangle; above 25 Hz carrier and rectangle interact, so that these are for the wave.
SQUARE = {
    "230 V 50 Hz": tuple(zip(
        [*_TO_12, *range(13, 22), 21.5, 22, 23, 24, 25, 25.5, 28, 30.5, 100 / 3],
        [0.509, 0.467, 0.429, 0.398, 0.370, 0.352, 0.342, 0.332, 0.312, 0.291, 0.268, 0.248, 0.231, 0.216, 0.207, 0.199,
         0.196, 0.199, 0.203, 0.212, 0.222, 0.233, 0.245, 0.272, 0.308, 0.341, 0.376, 0.411, 0.446, 0.497, 0.553, 0.585,
         0.592, 0.612, 0.680, 0.743, 0.764, 0.806, 0.915, 0.847, 1.671], strict=True)),
    "120 V 60 Hz": tuple(zip(
        [*_TO_12, *range(13, 22), 21.5, 22, 23, 24, 25, 25.5, 28, 30.5, 100 / 3, 37, 40],
        [0.598, 0.548, 0.503, 0.469, 0.439, 0.419, 0.408, 0.394, 0.373, 0.348, 0.324, 0.302, 0.283, 0.269, 0.258, 0.253,
         0.252, 0.258, 0.266, 0.278, 0.292, 0.308, 0.324, 0.367, 0.411, 0.457, 0.509, 0.575, 0.626, 0.688, 0.746, 0.815,
         0.837, 0.851, 0.946, 1.067, 1.088, 1.072, 1.383, 1.602, 1.823, 1.304, 3.451], strict=True)),
}  # fmt: skip
MAINS_HZ = {"230 V 50 Hz": 50.0, "120 V 60 Hz": 60.0}


def clock(dt, length):
    return np.arange(round(length / dt)) * dt


def rectangle(changes_per_minute, percent, dt, length=600.0):
    t = clock(dt, length)
    return 1.0 - percent / 100.0 * (np.floor(t * changes_per_minute / 60.0 + 1e-9) % 2)


def square(frequency_hz, percent, dt, length):
    return rectangle(120.0 * frequency_hz, percent, dt, length)


def sine(frequency_hz, percent, dt, length):
    return 1.0 + percent / 200.0 * np.sin(2 * np.pi * frequency_hz * clock(dt, length))


def wave(envelope, dt, mains_hz):
    """The instantaneous voltage of an envelope."""
    return envelope * np.sqrt(2.0) * np.sin(2 * np.pi * mains_hz * clock(dt, envelope.size * dt))
