"""The load on a real server and on the null handler, each for a moment."""

from __future__ import annotations

from bench import servers
from bench.servers import Effort


def test_both_servers_answer_under_load_and_are_compared():
    closed, latency = servers.measure(Effort(rounds=1, seconds=0.3, warm_up=0.1, reviews=20))
    assert ["null handler", "Pillion"] == [row[0] for row in closed.rows] == [row[0] for row in latency.rows]
    assert 1.0 == closed.rows[0][2]
    assert all(rate > 0 for _, rate, *_ in closed.rows)
    assert [60, 60] == [row[4] for row in latency.rows]
