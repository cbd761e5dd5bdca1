"""What Splunk reads and stores: events, logs, passwords.

The modules, from the top: imports go only downward.

================  ====================================================================
typed_secrets     secrets in inputs.conf: moved to the password storage, or reported
support_bundle    settings and texts without secrets, for a support case (pure)
command_line      what the commands of an administrator share: options, errors, folders
own_save          whether an input is being saved by the add-on itself
log_file          the input's log, in Splunk's log folder
event_writer      Splunk's XML event stream
pipe              splunkd's pipe, and when splunkd has read it
password_storage  Splunk's password storage
splunkd_rest      splunkd's REST API: its own description, and its KV Store
================  ====================================================================
"""
