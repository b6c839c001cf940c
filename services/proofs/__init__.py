"""The noun `proofs`: pictures of handovers, each stored once."""
