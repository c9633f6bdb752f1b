"""What an answer depends on: one input at a time, shares of variance, the catalog's own bands, Pareto fronts."""
