"""Power at any node of the electrical tree, for any time at any resolution."""
