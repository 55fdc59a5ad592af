"""The outbox: claiming due mails, sending, state transitions, retry delays, expired leases."""
