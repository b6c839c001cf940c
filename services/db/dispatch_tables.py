"""The tables of shipments, carriers and bookings; knows shapes and keys, not what the rows mean."""
