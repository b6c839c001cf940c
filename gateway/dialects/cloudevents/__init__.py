"""CloudEvents 1.0: the hub's own format, canonical JSON in the envelope that everybody reads."""
