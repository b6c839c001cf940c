"""Owns the one exception of a hub that cannot be started; knows no causes."""


class HubNotStarted(Exception):
    """The hub cannot run; the message says why, and what to do about it."""
