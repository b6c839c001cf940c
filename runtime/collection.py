"""Owns how often Python looks for garbage in a serving process; knows nothing of what it serves.

Reference counts free nearly everything at once; the collector only finds cycles. With its usual thresholds it walks
over thousands of long-lived objects many times a second under load, a seventh of a busy gateway's time.
"""

import gc

YOUNG = 20_000
"""How many containers more than were freed make it look among the young ones; Python's own figure is 700."""


def settle() -> None:
    """Call it once all is served: what lives now will live on, and need not be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
