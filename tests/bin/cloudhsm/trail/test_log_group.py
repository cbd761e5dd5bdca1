"""What Splunk is told of where a record came from."""

from __future__ import annotations

from cloudhsm.trail.log_group import GroupId
from cloudhsm.trail.record_identity import Kind

GROUP = GroupId("aws", "123456789012", "eu-west-1", "/aws/cloudhsm/cluster-likphkxygsn")
SOURCE = "123456789012:eu-west-1:/aws/cloudhsm/cluster-likphkxygsn"


def test_an_audit_record_comes_from_the_hsm_that_its_stream_is_named_after() -> None:
    assert GROUP.origin("hsm-tlvpqwjyzgq", Kind.AUDIT) == (
        "hsm-tlvpqwjyzgq",
        f"{SOURCE}:hsm-tlvpqwjyzgq",
        "aws:cloudhsm:audit",
    )


def test_a_certificate_record_comes_from_the_cluster_whatever_its_stream() -> None:
    assert GROUP.origin("cluster-likphkxygsn", Kind.CERTIFICATE) == (
        "cluster-likphkxygsn",
        f"{SOURCE}:cluster-likphkxygsn",
        "aws:cloudhsm:certificate",
    )
    assert GROUP.origin("hsm-tlvpqwjyzgq", Kind.CERTIFICATE)[0] == "cluster-likphkxygsn"


def test_a_group_is_named_to_aws_without_the_star_behind_it() -> None:
    assert GROUP.arn == (
        "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/cloudhsm/cluster-likphkxygsn"
    )
