"""A Splunk that has this add-on alone: for the setup page, in tests and in the preview.

The modules, from the top: imports go only downward.

===========  ====================================================================
splunk_web   what a browser sees: pages, files, CSRF, what is passed on to splunkd
splunkd      its REST: inputs, indexes, passwords; inputs are validated and run for real
===========  ====================================================================
"""
