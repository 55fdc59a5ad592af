"""Deliveries: queueing, claiming, leases, serials, Message-IDs, held mails, deletion by age."""
