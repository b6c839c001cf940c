"""The noun `access`: its servicer and what only it needs."""
