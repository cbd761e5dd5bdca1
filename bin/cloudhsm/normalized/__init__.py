"""Our records in the words of other schemas (OCSF, ECS): pure functions over our fields."""
