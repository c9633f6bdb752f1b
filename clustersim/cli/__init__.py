"""The command line: a module for each verb, and the program that has them all."""

from clustersim.cli.program import app, main

__all__ = ["app", "main"]
