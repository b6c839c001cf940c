"""The noun `orders`: its servicer and what only it needs."""
