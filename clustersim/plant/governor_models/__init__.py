"""Governors, one model a module: found by being here, under the name that entries of the catalog give as `model`."""
