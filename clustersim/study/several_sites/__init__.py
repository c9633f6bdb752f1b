"""A job of several sites: in lock-step, each alone between outer steps, or cut along the pipeline."""
