"""CloudWatch Logs and STS through botocore.

The modules, from the top: imports go only downward.

===============  ==========================================================================
cloudwatch_logs  listing and reading log groups
logs_client      calls to CloudWatch Logs: paced, complete, with AWS's time and clear errors
refusals         refusals of AWS that no retry resolves (pure)
page_parser      pages of events out of botocore's responses, without its detours
credentials      where AWS credentials come from, and the clients that use them
session          TLS, proxy and endpoints of every client, also those that botocore creates
log_source       what the collector needs of CloudWatch Logs, and the types it gets
reachability     why an endpoint cannot be reached, and what to do
rate_limit       how fast CloudWatch Logs is called
===============  ==========================================================================
"""
