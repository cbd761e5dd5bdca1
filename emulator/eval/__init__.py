"""The eval language.

Source: Search Reference, "Evaluation functions".

The modules, from the top: imports go only downward.

=============  ================================================================
expression     an expression, parsed once and evaluated for each event
functions      the functions that are modelled
tokens         text into tokens
json_fields    fields of a JSON text, named as KV_MODE=json and spath name them
printf         the format of printf
relative_time  relative time modifiers such as -7d@h
time_format    strptime and strftime
values         values of fields, and their conversions
=============  ================================================================
"""
