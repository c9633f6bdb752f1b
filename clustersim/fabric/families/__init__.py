"""Families of scale-out fabrics: the record of each in a module of its own, found by being here."""
