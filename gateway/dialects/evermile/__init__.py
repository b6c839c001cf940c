"""Evermile: the webhooks, sent through Svix, in which a broker of couriers tells of the orders booked with it."""
