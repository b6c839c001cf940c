"""Skipcart: the webhook that a courier network posts for every event of an order."""
