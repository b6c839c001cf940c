"""Tables, connections, migrations and partitions; no rule about deliveries lives here."""
