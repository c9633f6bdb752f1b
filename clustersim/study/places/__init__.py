"""Places without a job: network, power, cooling, and what can be said of them."""
