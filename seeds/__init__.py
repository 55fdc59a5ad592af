"""The seed documents, their parsers, the demo's topics and subscribers."""
