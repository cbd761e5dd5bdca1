"""CloudHSM's audit logs pushed into Splunk: CloudWatch Logs -> Amazon Data Firehose -> HEC.

The rooms, from the top; imports run only downwards. They run in AWS Lambda (Python 3.13), beside
the rooms `log_group`, `record`, `event_writer` and `errors` of the add-on.

=============  ==========================================================================
transform      Firehose's transformation: what subscriptions send becomes events for HEC
redrive        what Firehose could not deliver and left in S3, into the stream again
subscribe      a subscription filter on every log group of CloudHSM, old and new
stack          what CloudFormation is told of the subscriptions
firehose       putting records into the stream, what it refuses for the moment again
cloudwatch     the subscription filters of CloudWatch Logs
hec            events as HEC's event endpoint takes them (pure)
envelope       what CloudWatch Logs sends to a subscription (pure)
telling        the functions' own log: JSON lines that say what to do
=============  ==========================================================================
"""
