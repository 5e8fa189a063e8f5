"""What to do about a person: consent, journeys, decisions, the log, syncs and connectors."""
