"""Subscriptions: who is told what happened, what waits to be told, and what became of every try."""
