"""Ordatic: webhooks about orders and riders, read as they come and written for those who expect them."""
