"""Names of the parts of a run, as progress tells them."""

STEP_AND_PLAN = "training step and plan"
OPERATION = "operation"
POWER = "power"
PLANT = "plant"
LIMITS_AND_COST = "limits and cost"
REPORT_WRITTEN = "report"
RUN_PARTS = (STEP_AND_PLAN, OPERATION, POWER, PLANT, LIMITS_AND_COST, REPORT_WRITTEN)
"""In their order; a measured load begins with its power."""
