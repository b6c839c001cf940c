"""The noun `events`: its servicer and what only it needs."""
