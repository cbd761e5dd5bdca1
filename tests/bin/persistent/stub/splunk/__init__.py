"""Splunk's own package, what a REST handler imports of it."""
