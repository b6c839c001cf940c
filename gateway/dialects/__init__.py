"""Vendors' formats, a folder each: the documented JSON, their words into ours, ours into theirs."""
