"""What a profile would bring: previews, counts of each topic, and topics suggested from a text or a library."""
