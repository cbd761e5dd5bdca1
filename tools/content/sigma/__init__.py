"""Detections as Sigma rules.

The modules, from the top: imports go only downward.

=========  =========================================
page       docs/sigma.md
rules      a detection as a Sigma rule
pipelines  fields of rules as ECS and OCSF name them
=========  =========================================
"""
