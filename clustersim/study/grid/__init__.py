"""Events and modes of the grid: what they do to a site, its job and its rules."""
