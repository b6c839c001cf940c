"""The noun `deliveries`: its servicer and what only it needs."""
