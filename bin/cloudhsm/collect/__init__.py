"""One run of an input, and what it does for each log group.

The modules, from the top: imports go only downward.

================  ========================================================================
access_check      whether an input may read what it is set to, in 15 s, before it is saved
collector         one run: shares of its time for each log group, heartbeat
input_failure     a run that fails before it reaches any log group
group_list        the log groups of an input, looked up and in turn
run_failures      what failed in a run and before, and what waits for it
group_collector   one log group: which windows are read, and when; the path of a record
window_reader     windows of a log group: pages, what is new on them, gaps at their end
open_group        one log group: opened; then stage, write, flush, save
collector_events  the collector's own events
read_ahead        pages of several windows in flight
================  ========================================================================
"""
