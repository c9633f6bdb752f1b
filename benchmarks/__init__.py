"""Speed and memory of clustersim, measured against limits: ``python -m benchmarks [NAME ...] [--json]``."""
