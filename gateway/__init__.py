"""The HTTP edge, in and out: routes, dialects, verification, sending, pages; knows no SQL."""
