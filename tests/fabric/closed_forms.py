"""Every closed form of a collective in one group: seconds from bytes, members, bandwidth and latency."""

from clustersim.fabric import (
    all_to_all,
    binomial_broadcast,
    halving_doubling_all_gather,
    halving_doubling_all_reduce,
    halving_doubling_reduce_scatter,
    in_network_all_reduce,
    in_switch_all_reduce,
    ring_all_gather,
    ring_all_reduce,
    ring_broadcast,
    ring_reduce_scatter,
    tree_all_reduce,
)

CLOSED_FORMS = [
    ring_all_reduce,
    ring_reduce_scatter,
    ring_all_gather,
    all_to_all,
    tree_all_reduce,
    halving_doubling_all_reduce,
    halving_doubling_reduce_scatter,
    halving_doubling_all_gather,
    binomial_broadcast,
    ring_broadcast,
    in_network_all_reduce,
    in_switch_all_reduce,
]
