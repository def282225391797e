"""Traces of calls, sent to a collector."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys

import pytest

from devflow.models.guard.ledger import Call
from devflow.models.guard.traces import Traces
from support.patience import HANGS


def test_a_trace_tells_numbers_and_no_text() -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    traces = Traces("http://127.0.0.1:4317", exporter)
    traces.record(
        Call(
            "c",
            1_760_011_200.0,
            "chat",
            "m",
            cost=0.25,
            host="h",
            workspace="/home/jane/secret-project",
            user="jane",
            read=10,
            total=2.0,
        )
    )
    traces.close()
    [span] = exporter.get_finished_spans()
    assert span.name == "chat m"
    assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["devflow.cost"]) == (10, 0.25)
    assert span.end_time - span.start_time == 2_000_000_000
    assert "jane" not in span.to_json()


def test_traces_go_to_their_endpoint_and_not_to_a_proxy_of_the_environment() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
    program = (
        "import sys, time\n"
        "from devflow.models.guard.ledger import Call\n"
        "from devflow.models.guard.traces import Traces\n"
        "traces = Traces(sys.argv[1])\n"
        "traces.record(Call('c', time.time(), 'chat', 'm'))\n"
        "traces.close()\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as endpoint, socket.create_server(("127.0.0.1", 0)) as proxy:
        collector, elsewhere = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (endpoint, proxy))
        names = ("grpc_proxy", "http_proxy", "https_proxy")
        sending = subprocess.Popen(
            [sys.executable, "-c", program, collector], env={**os.environ, **dict.fromkeys(names, elsewhere)}
        )
        try:
            reached, _, _ = select.select([endpoint, proxy], [], [], HANGS)
        finally:
            sending.kill()
            sending.wait()
        assert reached == [endpoint]
