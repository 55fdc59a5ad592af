"""Sending due deliveries: state transitions, retry delays, expired leases, refusing servers."""
