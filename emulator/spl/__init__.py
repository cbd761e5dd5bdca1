"""SPL: runs the pipelines of our searches over events that the emulator indexed.

Source: Splunk Search Reference, one page per command. Every command, option and function that is
not modelled raises; docs/emulator-assumptions.md lists what the documentation leaves open.

The modules, from the top: imports go only downward.

===============  =======================================================================
alerts           when a saved search runs, over which time, and which results it reports
printing         results on a terminal, as JSON lines and as CSV
saved_searches   savedsearches.conf: its settings, and that each search compiles
pipeline         from the text of a search to its results
appending        append, appendpipe
binning          bin
charting         chart, timechart
fields           eval, fields, table, rename, fillnull, mvexpand, addinfo
filtering        search, where, dedup, head, tail
indexed          tstats
lookup_store     lookup, inputlookup, outputlookup
matching         rex, regex
multivalues      makemv, nomv
ordering         sort, reverse
ranking          top, rare
refused          commands that the searches of this add-on must not use
sources          search, makeresults, rest
streaming        streamstats
totals           addtotals, convert
aggregation      stats, eventstats
spans            spans of time such as span=5m
aggregates       the arguments of stats and related commands
stats_functions  the functions of stats, one value at a time
syntax           pipes, subsearches, options, field lists
context          what a running search knows, and how commands are declared
===============  =======================================================================
"""
