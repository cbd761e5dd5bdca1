"""Audit trails to try things on: a week of trouble, a quiet month, scenes by hand."""
