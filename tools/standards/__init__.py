"""What other schemas (OCSF, ECS) publish, as far as we use it, and our mappings into them."""
