"""The `crossdock` command; knows the hub only through its contract, its programs and its files."""
