"""Steps of the schema, oldest first; run by `digest migrate`."""
