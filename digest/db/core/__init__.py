"""Connections, dialects, bulk copies, migrations of the schema."""
