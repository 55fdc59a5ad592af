"""Papers, their versions, signals and figures; the days of each source."""
