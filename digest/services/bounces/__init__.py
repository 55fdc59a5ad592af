"""Bounce reports, complaints and unsubscribe mails: from the mailbox to what follows from them."""
