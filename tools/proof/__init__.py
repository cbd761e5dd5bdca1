"""Proof by attack: the collector with faults of others in it must fail its tests."""
