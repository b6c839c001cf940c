"""A webhook's way in: who sends it, is it authentic, how is it read, is it stored."""
