"""REST handlers of this add-on: what the setup page asks of the host that collects.

The modules, from the top: imports go only downward.

===============  ====================================================================
endpoint         one request: who may make it, which handler answers it, what is audited
suggestions      inputs for the log groups that exist and are not collected yet
access_test      whether settings reach AWS and may read there, without saving them
credential       AWS keys and proxy passwords: listed without secrets, stored, deleted
operation        replays, and damaged states set aside
input_status     the inputs of this host: last heartbeat, positions, failures
examination      results of an access check as JSON
rest_request     splunkd's request and our response (pure)
===============  ====================================================================
"""
