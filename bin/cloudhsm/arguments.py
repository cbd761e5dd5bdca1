"""The settings of a stanza for Splunk's forms: names, descriptions and defaults.

No imports: splunkd asks every scheme for its arguments when it starts.
"""

SCHEME = "aws_cloudhsm"
DEFAULT_LOG_GROUPS = "/aws/cloudhsm/"
DEFAULT_START_TIME = "-30d"
DEFAULT_LATENESS_HORIZON = "24h"
DEFAULT_WINDOWS_IN_FLIGHT = 2
DEFAULT_LOG_LEVEL = "INFO"
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
    "windows_in_flight": "How many stretches of a log group's history are read side by side, "
    f"1 to 8. Default: {DEFAULT_WINDOWS_IN_FLIGHT}",
    "log_level": f"Of this input's log file: {', '.join(LOG_LEVELS)}. Default: {DEFAULT_LOG_LEVEL}",
}
