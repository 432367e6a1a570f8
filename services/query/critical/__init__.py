"""Follows errors and security events before they are committed: `stream` reads what ingest has told in Redis, behind a `cursor`."""
