"""What splunkd says of itself, or that it says nothing."""

from __future__ import annotations

import pytest

from cloudhsm.splunk.splunkd_rest import SplunkdSilent, describe


@pytest.mark.parametrize("uri", ["", "https://127.0.0.1:1", "https://127.0.0.1"])
def test_where_nobody_answers_it_says_so_and_what_to_do(uri: str) -> None:
    with pytest.raises(SplunkdSilent, match=r"does not return its server roles.*splunkd\.log"):
        describe(uri, {"token": "Splunk key"})
