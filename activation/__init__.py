"""What to do about a person: consent, journeys, decisions, the log, releases, syncs and connectors."""
