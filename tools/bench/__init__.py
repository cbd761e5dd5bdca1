"""How fast the collector, the normalizer and the dashboards are, as ratios to a baseline.

The modules, from the top: imports go only downward.

=================  ==============================================================
capacity           what an installation needs, by a model over measured rates
growth             the state of a log group over 10 million records
one_regex_to_json  the baseline of the command: one regular expression per record
usual_input        the baseline of the input: the loop that inputs usually are
command            aws_cloudhsm_normalize.py against one regular expression
views              the searches of the dashboards
normalization      search-time rules against one regular expression
parts              one measurement, and how it is printed
programs           the programs that are compared, and how they run
server             a CloudWatch Logs that is fast enough to measure against
=================  ==============================================================
"""
