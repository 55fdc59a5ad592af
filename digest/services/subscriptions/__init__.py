"""Sign-up, confirmation, preferences, feedback, unsubscribing, erasure, import and export."""
