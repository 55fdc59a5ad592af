"""Sources: one pure parser and one thin fetch each."""
