"""Random edits and requests with hostile content, through the protocol.

    python benchmarks/fuzz.py [--steps 10000] [--seed 1]

A server process over a copy of some of this repository's files. Prints one JSON object; ends with 1 if there
were faults: a request without exactly one reply, LSP that is none, an error inside DevFlow or a traceback, an
exit that was none. `growth_mib` is the median memory of the server's process over the last quarter less that
over the second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_REPOSITORY / "tests"))

from support.fuzz import fuzz  # noqa: E402 - from the tests' folder


def main() -> int:
    """Do the steps, print what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "workspace"
        shutil.copytree(_REPOSITORY / "analysis", root / "analysis")
        os.environ |= {"HOME": scratch, "XDG_CACHE_HOME": scratch, "XDG_CONFIG_HOME": scratch}
        command = (sys.executable, "-X", "faulthandler", "-m", "devflow.server.cli")
        outcome = asyncio.run(fuzz(command, root, arguments.steps, arguments.seed, within=10.0))
    figures = {
        "steps": outcome.steps,
        "requests": outcome.requests,
        "seconds": round(outcome.seconds, 1),
        "faults": outcome.faults[:20],
        "error_codes": dict(outcome.error_codes),
        "rss_mib": [round(each) for each in outcome.rss_mib],
        "growth_mib": outcome.growth(),
    }
    print(json.dumps(figures))
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
