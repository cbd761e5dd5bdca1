"""Where each file and setting of the package works: deployment.yaml.

The modules, from the top: imports go only downward.

=================  =========================================
page               the generated blocks of docs/deploy.md
topology_diagrams  a topology as a Mermaid flowchart
schema             deployment.yaml, validated
=================  =========================================
"""
