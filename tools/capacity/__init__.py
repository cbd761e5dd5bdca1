"""What an installation needs: a model of it, and a simulation of the real collector at scale."""
