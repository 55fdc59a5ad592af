"""Pages and API, through the application's front door."""
