"""The tables of subscriptions and attempts; knows shapes and keys, not what the rows mean."""
