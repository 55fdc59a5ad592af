"""Deliveries: queueing, claiming, leases, serials, Message-IDs, retention."""
