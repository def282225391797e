"""One OpenTelemetry span a call: when, which model, how many tokens, how it ended. Never any text, no name
of a file.

Off until an endpoint is named. An endpoint that is not on this machine is one more way out, so `local_only`
forbids it like any other. The attributes are those of OpenTelemetry's conventions for generative models.
"""

from __future__ import annotations

import logging
from typing import Any

from devflow.models.guard.ledger import Call

log = logging.getLogger(__name__)


class Traces:
    """An exporter, opened at the first call: importing it takes half a second."""

    def __init__(self, endpoint: str, exporter: Any = None) -> None:
        """`exporter`: in place of OTLP to `endpoint`."""
        self._endpoint = endpoint
        self._exporter = exporter
        self._tracer: Any = None
        self._provider: Any = None
        self._off = False

    def record(self, call: Call) -> None:
        """Export one call, in the exporter's own thread. What fails is logged once."""
        if self._tracer is None and not self._off:
            self._open()
        if self._tracer is None:
            return
        span = self._tracer.start_span(f"{call.feature} {call.model}", start_time=int(call.at * 1e9))
        span.set_attributes(
            {
                "gen_ai.operation.name": call.feature,
                "gen_ai.request.model": call.model,
                "gen_ai.usage.input_tokens": call.read,
                "gen_ai.usage.output_tokens": call.written,
                "server.address": call.host,
                "devflow.request_id": call.id,
                "devflow.outcome": call.outcome,
                "devflow.cost": call.cost,
                "devflow.kept": call.hit,
                "devflow.first_piece_s": call.first,
            }
        )
        span.end(end_time=int((call.at + call.total) * 1e9))

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()
            self._tracer = self._provider = None

    def _open(self) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            self._off = True
            log.warning("models.traces_endpoint needs OpenTelemetry: pip install 'devflow-lsp[telemetry]'.")
            return
        self._provider = TracerProvider(
            resource=Resource({"service.name": "devflow"}), shutdown_on_exit=False
        )
        insecure = self._endpoint.startswith("http://")
        exporter = self._exporter or OTLPSpanExporter(
            endpoint=self._endpoint,
            insecure=insecure,
            # None of the environment's. The number is one: the annotation knows texts only.
            channel_options=(("grpc.enable_http_proxy", 0),),  # pyright: ignore[reportArgumentType]
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("devflow.models")
