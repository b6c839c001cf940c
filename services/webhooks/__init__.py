"""The noun `webhooks`: its servicer and what only it needs."""
