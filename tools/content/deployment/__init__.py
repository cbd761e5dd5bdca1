"""Where each file and setting of the package works: deployment.yaml.

The modules, from the top: imports go only downward.

=================  ==============================
page               the tables of docs/deploy.md
topology_pictures  the pictures of docs/deploy.md
schema             deployment.yaml, validated
=================  ==============================
"""
