"""The matching engine: indexes of papers, compiled profiles, and their join."""
