"""Governors found by being here, one model a module, under the name that entries of the catalog give as `model`.

HYGOV is one; GAST, TGOV1, IEEEG1, GGOV1, the gas engine and the converter are read in `plant.governor_catalog`.
"""
