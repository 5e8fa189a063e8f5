"""The policy type-checker: labels on landing columns, inferred for every column downstream."""
