"""The noun `carriers`: the directory of a tenant's carriers, and the lines on which they are called."""
