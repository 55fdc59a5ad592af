"""What an edition holds and how it reads."""
