"""Accelerators measured: what their sensor shows, patterns that load them, figures for the catalog from both."""
