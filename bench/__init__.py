"""The bench: one run, one table, beside a no-op ceiling and an honest baseline."""
