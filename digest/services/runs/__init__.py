"""Runs: planning, freezing editions, the day, pausing and cancelling, replay, retention."""
