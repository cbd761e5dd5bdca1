"""Settings, the AWS identity, errors and shutdown: what every other package may use.

The modules, from the top: imports go only downward.

==============  ================================================================
settings        what the administrator set for an input, validated (pure)
setting_names   names of settings that are neither ours nor Splunk's (pure)
aws_identity    which AWS identity an input uses: its settings, validated (pure)
arguments       the settings of a stanza for Splunk's forms (pure)
aws_clock       AWS's time, from its responses, where it is confirmed (pure)
conf_file       Splunk's .conf files (pure)
counters        what runs did, counted (pure)
redaction       secrets removed from texts and log lines (pure)
command_parser  command lines whose errors are one line with the correct form (pure)
terminal        text that no name can use to control a terminal
errors          errors that state what happened, where, and what to do (pure)
shutdown        ending a run early and in order
==============  ================================================================
"""
