"""What giving up load for the price of energy saves at the sites of a place."""

from __future__ import annotations

from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.site_prices import Load, Saving
from clustersim.operation.site_savings import value_of_curtailment
from clustersim.study.horizon import steady_load_w
from clustersim.study.it_power import Pool, state_w, steady_window
from clustersim.study.random_streams import random_stream
from clustersim.study.site.power import site_it_w, site_power, training_it_w
from clustersim.study.step import StepStudy


def site_loads(study: StepStudy, pool: Pool) -> dict[str, Load]:
    """Return what each site draws at the meter while the job trains and while it stands, with settled cooling."""
    training = training_it_w(site_power(study, steady_window(study, pool, 0.0), period_s=pool.iteration_time_s))
    standing = site_it_w(study, state_w(study, "stopped"))
    return {
        site: Load(steady_load_w(study, site, training[site]), steady_load_w(study, site, standing[site]))
        for site in study.place.topology.site
    }


def curtailment_saving(study: StepStudy, pool: Pool, facts: SitesFacts) -> Saving | None:
    """Return what the curtailment of ``operation.sites`` saves on the scenario's own seed; None where it has none.

    Energy is bought at ``sites.prices``, on-site generation left out. A step that is capped draws in proportion.
    """
    spec = study.scenario.operation
    if spec.sites is None or spec.sites.curtailment is None:
        return None
    seed = random_stream(study.scenario, "operation")
    return value_of_curtailment(spec, facts, seed, site_loads(study, pool)).saving
