"""CloudHSM's audit logs pushed into Splunk: CloudWatch Logs -> Amazon Data Firehose -> HEC.

The modules, from the top; imports run only downwards. They run in AWS Lambda (Python 3.13), with
the modules `log_group`, `record_identity`, `event_writer` and `errors` of the add-on.

=============  ==========================================================================
transform      Firehose's transformation: records of the subscriptions become events for HEC
redrive        puts records that Firehose could not deliver into the stream again
subscribe      a subscription filter on every log group of CloudHSM, old and new
stack          the response of the subscriptions' custom resource to CloudFormation
firehose       puts records into the stream, with retries
quarantine     keeps what a stack does not pass on
cloudwatch     the subscription filters of CloudWatch Logs
hec            events in the format of HEC's event endpoint (pure)
routing        what a stack passes on (pure)
envelope       the format of CloudWatch Logs' subscriptions (pure)
structured_log the functions' own log: JSON lines with the next step
=============  ==========================================================================
"""
