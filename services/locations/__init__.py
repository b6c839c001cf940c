"""The noun `locations`: its servicer and what only it needs."""
