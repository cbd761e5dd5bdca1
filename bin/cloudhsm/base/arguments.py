"""The settings of a stanza for Splunk's forms: names, descriptions and defaults.

No imports: splunkd asks every scheme for its arguments when it starts.
"""

SCHEME = "aws_cloudhsm"
DEFAULT_LOG_GROUPS = "/aws/cloudhsm/"
DEFAULT_START_TIME = "-30d"
DEFAULT_LATENESS_HORIZON = "24h"
DEFAULT_WINDOWS_IN_FLIGHT = 2
DEFAULT_LOG_LEVEL = "INFO"
DEFAULT_SESSION_NAME = "TA-aws-cloudhsm"
DEFAULT_STATE_STORE = "file"
STATE_STORES = ("file", "kvstore")
LOG_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")

ARGUMENTS = {
    "aws_region": "AWS Region of the clusters, e.g. us-east-1",
    "log_groups": "Log groups to read: names, or prefixes ending in * or /, separated by commas. "
    f"Default: {DEFAULT_LOG_GROUPS}",
    "start_time": "Collect records from this instant on: 2026-01-31, 2026-01-31T08:00:00Z, -30d, "
    f"now or all. Default: {DEFAULT_START_TIME}",
    "endpoint_url": "Another endpoint of CloudWatch Logs, e.g. of a VPC endpoint. Default: AWS's",
    "lateness_horizon": "How late a record may become visible and still be collected, 1h to 30d. "
    f"Default: {DEFAULT_LATENESS_HORIZON}",
    "calls_per_second": "At most this many calls to CloudWatch Logs, 0.2 to 100. Default: half of "
    "the Region's quota",
    "windows_in_flight": "How many stretches of a log group's history are read concurrently, "
    f"1 to 8. Default: {DEFAULT_WINDOWS_IN_FLIGHT}",
    "aws_credential": "AWS keys in Splunk's password storage (realm TA-aws-cloudhsm): their name "
    "there. Default: botocore's default chain, e.g. the instance profile",
    "aws_access_key_id": "AWS keys typed here are moved to Splunk's password storage by the first "
    "run; until then they are in inputs.conf",
    "aws_secret_access_key": "The secret of aws_access_key_id; masked once it was moved",
    "aws_profile": "A profile of the AWS configuration files of the user that runs Splunk",
    "role_arn": "A role to assume with these credentials, e.g. of another account",
    "external_id": "The external id that the role's trust policy asks for",
    "role_session_name": f"Session name shown in CloudTrail. Default: {DEFAULT_SESSION_NAME}",
    "role_duration": "Seconds that a session lasts before it is renewed, 900 to 43200. "
    "Default: 3600",
    "sts_endpoint_url": "Another endpoint of AWS STS, where roles are assumed. Default: AWS's of "
    "the Region",
    "proxy_url": "HTTPS proxy, http://HOST:PORT. Default: the value of HTTPS_PROXY",
    "proxy_credential": "User and password of the proxy in Splunk's password storage (realm "
    "TA-aws-cloudhsm-proxy@HOST): their name",
    "ca_bundle": "A file of PEM certificates to trust, e.g. of a proxy that inspects TLS",
    "linked_accounts": "In a monitoring account: ids of the linked accounts whose log groups are "
    "read, separated by commas",
    "state_store": "Where positions are kept: file, on this host; or kvstore, which search head "
    f"clusters and Splunk Cloud need. Default: {DEFAULT_STATE_STORE}",
    "log_level": f"Of this input's log file: {', '.join(LOG_LEVELS)}. Default: {DEFAULT_LOG_LEVEL}",
}
