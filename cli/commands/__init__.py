"""The commands that talk to a hub, a module per noun."""
