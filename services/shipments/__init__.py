"""The noun `shipments`: its servicer, its rows, and how it follows its deliveries."""
