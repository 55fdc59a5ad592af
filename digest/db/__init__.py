"""The database: engine and queries, one file per aggregate."""
