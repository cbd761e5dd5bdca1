"""What an installation needs: calls, volume, CPU, memory.

The modules, from the top: imports go only downward.

=============  ===============================================
service        the local CloudWatch Logs of a simulation
page           the tables of docs/capacity.md
simulation     the real collector over many clusters
fleet          many clusters with many HSMs
model          what a number of clusters needs (pure)
process_usage  what a process used: CPU, memory, bytes written
measured       what was measured, and the rates that follow
schema         facts.yaml, validated
=============  ===============================================
"""
