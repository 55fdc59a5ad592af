"""What is known of papers: announcements, epochs of word counts, day indexes, trending, novelty; what pages show."""
