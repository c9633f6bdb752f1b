"""What the simulation of a job, or of sites, must come to: closed forms that it is held against."""

import math

from clustersim.operation.site_methods import ALONE_BETWEEN, lockstep_tokens_per_s, outer_exposed_s, paces


def relative_speed(spec, facts, bandwidth):
    """Return the tokens per time of the whole, without failures, over those of all sites at full speed each alone [-].

    Synchronous: ``sum tokens / t`` with the common step t. DiLoCo: ``n_i`` steps of every site in the time of the
    slowest plus the exposed exchange. Decoupled with a quorum below the number of sites: nobody waits for a slower
    site, each waits for its own exchange only.
    """
    full = math.fsum(site.tokens_per_step / site.job.step_time_s for site in facts.sites)
    if spec.method not in ALONE_BETWEEN:
        return lockstep_tokens_per_s(spec, facts, bandwidth) / full
    own, waited = paces(spec, facts), outer_exposed_s(spec, facts, bandwidth)
    together = max(pace.steps * pace.step_s for pace in own)
    waits_for_all = spec.method != "decoupled_diloco" or (spec.quorum or 1) >= len(facts.sites)
    rates = [
        site.tokens_per_step * pace.steps / ((together if waits_for_all else pace.steps * pace.step_s) + waited)
        for site, pace in zip(facts.sites, own, strict=True)
    ]
    return math.fsum(rates) / full


def first_order_waste(tiers, losses, recovery_s):
    """Return the share of time that is not useful, to first order in the rates. [-]

    ``sum C / T + sum rate (recovery + T / 2 + w + reload)``: the pauses of all tiers, and of each loss the recovery
    with half an interval and the write time `w` of the surviving tier that loses least.
    """
    pauses = math.fsum(tier.blocking_s / tier.effective_interval_s for tier in tiers if tier.blocking_s > 0.0)
    return pauses + math.fsum(
        rate * (recovery_s + min(_lost_s(tier) for tier in tiers if loss in tier.survives)) for loss, rate in losses
    )


def _lost_s(tier):
    """Return the mean time [s] lost to a failure that is healed from this tier."""
    return tier.effective_interval_s / 2.0 + tier.write_s + tier.reload_s
