"""One training step: durations on a fabric, the pipeline schedule, every rank with jitter, the search over plans."""
