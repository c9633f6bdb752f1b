"""Ways of damping that act between a site's equipment and its meter: one module each, found by being here."""
