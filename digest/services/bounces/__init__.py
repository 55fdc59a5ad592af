"""Processing of bounce reports, complaints and unsubscribe mails."""
