"""The macro that has each cluster-wide login once."""

from __future__ import annotations

import pytest

from emulator.app import App
from emulator.session import Session
from tests.default.conftest import CLUSTER, HSM
from tests.default.trails import GROUP, MARCH, handed_over, record

HSMS = [HSM, "hsm-lkkzg5zyhxp", "hsm-abcdefghijk"]
Login = tuple[float, int, str]  # seconds, which HSM, who


@pytest.mark.parametrize(
    ("logins", "expected"),
    [
        ([(0, 0, "a"), (0.1, 1, "a"), (0.9, 2, "a")], [("a", "3")]),
        ([(0, 0, "a"), (0.1, 1, "a"), (1, 0, "a"), (1.1, 1, "a")], [("a", "2"), ("a", "2")]),
        ([(0, 0, "a"), (0.1, 1, "b")], [("a", "1"), ("b", "1")]),
        ([(0, 0, "a"), (10, 1, "a")], [("a", "1"), ("a", "1")]),
        ([(0, 0, "a"), (1, 0, "a")], [("a", "1"), ("a", "1")]),
        ([(0, 0, "a|b"), (0.1, 1, "a")], [("a", "1"), ("a|b", "1")]),
    ],
    ids=["three HSMs", "twice", "two users", "ten seconds apart", "one HSM twice", "hostile"],
)
def test_a_login_counts_once_for_the_cluster(
    app: App, logins: list[Login], expected: list[tuple[str, str]]
) -> None:
    session = Session(app, now=MARCH + 9999)
    session.index(
        handed_over(
            app,
            [
                record(number, MARCH + at, hsm=HSMS[hsm], user=user, source=GROUP.source(HSMS[hsm]))
                for number, (at, hsm, user) in enumerate(logins)
            ],
        )
    )
    rows = session.search("`cloudhsm_audit` opcode=CN_LOGIN | `cloudhsm_login_once`").rows
    assert sorted((str(row["user"]), str(row["hsms"])) for row in rows) == expected
    assert {row["cluster_id"] for row in rows} == {CLUSTER}
    assert not [name for row in rows for name in row if name.startswith("login_")]
