"""The part of it that runs persistent handlers."""
