"""Rights of the person: erasure past the append-only tables, and the suppression that remains."""
