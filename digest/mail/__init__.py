"""From a composed mail to the server's 250: bytes, signature, session, outbox."""
