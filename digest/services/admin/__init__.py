"""What administrators do and see: subscribers, suppressions, paused domains, dashboard, doctor, setup."""
