"""The add-on running on this machine, without AWS and without Splunk.

The modules, from the top: imports go only downward.

=================  ============================================
dashboard_preview  `make preview`: the dashboards in a browser
setup_preview      the setup page, in front of a Splunk and an AWS of ours
local_aws          a local CloudWatch Logs and STS
report             what the demo prints
splunkd            a stand-in for splunkd that starts the input
=================  ============================================
"""
