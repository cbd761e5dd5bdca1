"""Simulated audit trails: a week with incidents, a quiet month, scenes by hand."""
