"""Deliveries: owing, claiming, leases, serials, Message-IDs, retention."""
