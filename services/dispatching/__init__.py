"""How shipments find their carriers: quotes, rules, bookings, cancellations, look-ups."""
