"""Records for other SIEMs, by the conf files and lookups that Splunk reads.

`emulator/` evaluates the same files, for development, strictly and on PCRE2; this package exists as
well because what ships must be pure Python 3.9 and fast; tests/default/test_two_evaluators.py keeps
their results equal.

The modules, from the top: imports go only downward.

==============  =====================================================================
templates       a record as a line of JSON: complete for any text, fast for most
output_formats  our fields, CIM, OCSF or ECS
ocsf            OCSF events; the table is generated from mappings/operations.yaml
ecs             ECS documents; the table is generated from mappings/operations.yaml
record_fields   what OCSF events and ECS documents take from the fields alike (pure)
json_values     times and numbers as JSON has them (pure)
search_time     the fields of a record: props, transforms, lookups, event types, tags
run_log         what standard error gets: damage, counts, a progress bar
record_files    the records of a file, in whatever container
containers      what records come in: compression, JSON of any kind, CSV, YAML, printed text
evaluation      Splunk's eval expressions, where our conf files use them (pure)
pcre            Splunk's regular expressions in Python's `re` (pure)
==============  =====================================================================
"""
