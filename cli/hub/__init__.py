"""A whole hub on one machine: its folder, its keys, its processes, its demo data."""
