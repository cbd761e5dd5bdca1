"""Audit trails to try things on: a seeded simulator of an organisation with two clusters."""
