"""From settings and environment to models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from devflow.models.base import ChatRequest, FillRequest, Health, Message, ModelsConfig, ModelSpec
from devflow.models.errors import ModelError, NotConfigured
from devflow.models.guard.accounting import LEDGER, Accounts
from devflow.models.guard.books import Books, Budget, Price
from devflow.models.guard.ledger import Ledger
from devflow.models.routing.experiments import Experiment, assigned
from devflow.models.streams import Whole
from devflow.server.models import build_router
from devflow.server.services import Services
from support.editor import editor
from support.loopback_api import serve

KEY = "sk-test-" + "0123456789abcdefghijklmnop"


def status_of(spec: ModelSpec, *, local_only: bool = False, **environment: str) -> tuple[Health, str]:
    [status] = build_router(ModelsConfig(local_only, (spec,)), environment).statuses()
    return status.health, status.detail


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            ModelSpec("gpt", "openai", "gpt-4.1"),
            "gpt has no API key; set the environment variable OPENAI_API_KEY and restart the editor.",
        ),
        (
            ModelSpec("claude", "anthropic", "claude-x"),
            "claude has no API key; set the environment variable ANTHROPIC_API_KEY and restart the editor.",
        ),
        (
            ModelSpec("other", "openai", "m", base_url="https://llm.example.com/v1"),
            "other has no API key; name the variable that holds it in api_key_env.",
        ),
        (
            ModelSpec("pasted", "openai", "gpt-x", api_key_env="sk-proj-abc"),
            "api_key_env of pasted is no name of an environment variable; write the name of the one that "
            "holds the key there, not the key.",
        ),
        (
            ModelSpec("ollama", "openai", "m", base_url="localhost:11434"),
            "The base_url of ollama is no address; it begins with http:// or https://.",
        ),
        (
            ModelSpec("o", "openai", "m", base_url="http://localhost:1/v1", options={"fill": "magic"}),
            "o: options.fill is one of infill, fim, suffix, mistral, chat, not 'magic'.",
        ),
        (ModelSpec("gpt", "openai"), "gpt names no model; set `model` for it."),
        (
            ModelSpec("local", "ctransformers"),
            "local names no file; set `model` to the path of a .gguf file.",
        ),
        (
            ModelSpec("local", "ctransformers", "/no/such.gguf"),
            "The model file /no/such.gguf does not exist; correct `model`, or download the file there.",
        ),
    ],
)
def test_what_is_missing_is_one_sentence_with_what_to_do(spec: ModelSpec, sentence: str) -> None:
    assert status_of(spec) == (Health.UNAVAILABLE, sentence)


def test_under_local_only_a_named_provider_says_why_it_is_not_used() -> None:
    health, detail = status_of(ModelSpec("gpt", "openai", "gpt-4.1"), local_only=True, OPENAI_API_KEY=KEY)
    assert health is Health.UNAVAILABLE
    assert detail.startswith(
        "gpt is not on this machine and models.local_only is on, so nothing is sent to it;"
    )


def test_a_server_on_this_machine_that_is_asked_through_a_proxy_elsewhere_is_not_on_this_machine() -> None:
    def asked_through(proxy: str) -> Health:
        spec = ModelSpec("m", "openai", "m", "http://localhost:1/v1", options={"proxy": proxy})
        return status_of(spec, local_only=True)[0]

    assert asked_through("http://proxy.example.com:3128") is Health.UNAVAILABLE
    assert asked_through("proxy:3128") is Health.UNAVAILABLE
    assert asked_through("http://127.0.0.1:3128") is Health.READY


def test_with_its_key_a_provider_is_ready() -> None:
    assert status_of(ModelSpec("gpt", "openai", "gpt-4.1"), OPENAI_API_KEY=KEY) == (
        Health.READY,
        "gpt-4.1 at api.openai.com.",
    )


async def test_the_provider_s_usual_key_does_not_go_to_another_server() -> None:
    async with serve() as api:
        for engine, url in (("openai", api.openai), ("anthropic", api.anthropic)):
            spec = ModelSpec("local", engine, "m", base_url=url)  # type: ignore[arg-type]  # both are engines
            router = build_router(
                ModelsConfig(models=(spec,)), {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
            )
            assert [piece async for piece in router.chat(ChatRequest((Message("user", "?"),)))]
            await router.close()
        assert {request["path"] for request in api.requests} == {"/v1/chat/completions", "/v1/messages"}
        assert KEY not in str(api.requests)


async def test_models_answer_in_the_user_s_order_for_the_tasks_they_are_for() -> None:
    models = (
        ModelSpec("missing", "ctransformers", "/no/such.gguf"),
        ModelSpec("talker", "fake", options={"answer": "chat"}, tasks=("chat",)),
        ModelSpec("filler", "fake", options={"answer": "fill"}),
    )
    router = build_router(ModelsConfig(models=models), {})
    assert await router.whole(FillRequest("", "")) == Whole("fill", "filler")
    assert await router.whole(ChatRequest((Message("user", "?"),))) == Whole("chat", "talker")
    assert [status.name for status in router.statuses()] == ["missing", "talker", "filler"]
    await router.close()


async def test_with_no_model_configured_nothing_fails_but_the_asking() -> None:
    router = build_router(ModelsConfig(), {})
    assert not router.has("fill")
    assert router.statuses() == []
    with pytest.raises(NotConfigured):
        await anext(router.fill(FillRequest("", "")))


async def test_closing_the_models_closes_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Accounts] = []
    monkeypatch.setattr(Accounts, "close", lambda accounts: closed.append(accounts))
    router = build_router(ModelsConfig(models=(ModelSpec("gpt", "openai", "gpt-4.1"),)), {})
    router.statuses()
    await router.close()
    assert len(closed) == 1


async def test_under_local_only_no_socket_is_opened_whatever_the_address_pretends() -> None:
    # The network guard of the tests fails this one if anything reaches beyond loopback.
    async with serve() as api:
        addresses = (
            f"http://localhost.example.com:{api.port}/v1",
            f"http://127.0.0.1.nip.io:{api.port}/v1",
            f"http://127.0.0.1@example.com:{api.port}/v1",
            f"http://0.0.0.0:{api.port}/v1",
            f"http://2130706433:{api.port}/v1",
        )
        for address in addresses:
            for engine in ("openai", "anthropic"):
                spec = ModelSpec("m", engine, "m", base_url=address, api_key_env="K")  # type: ignore[arg-type]
                router = build_router(ModelsConfig(True, (spec,)), {"K": KEY})
                for stream in (
                    router.fill(FillRequest("a", "b")),
                    router.chat(ChatRequest((Message("user", "?"),))),
                ):
                    with pytest.raises(ModelError, match=r"models\.local_only is on"):
                        await anext(stream)
                await router.close()
        assert api.requests == []


def test_building_the_models_imports_no_engine_library() -> None:
    code = (
        "import sys\n"
        "from devflow.models.base import ModelsConfig, ModelSpec\n"
        "from devflow.server.models import build_router\n"
        "engines = ('exllamav2', 'ctransformers', 'openai', 'anthropic', 'fake')\n"
        "models = tuple(ModelSpec(engine, engine, 'm') for engine in engines)\n"
        "build_router(ModelsConfig(False, models), {}).statuses()\n"
        "heavy = {'openai', 'anthropic', 'ctransformers', 'exllamav2', 'torch', 'httpx2', 'httpx', 'numpy',\n"
        "    'detect_secrets'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": source}
    )
    assert found.stdout.split() == []


@pytest.mark.usefixtures("nothing_blocks")
async def test_that_a_budget_is_nearly_spent_is_shown_in_the_editor_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    uri, source = "file:///nowhere/a.py", "def total(rows):\n    return \n"
    async with serve() as api:
        spec = ModelSpec("cloud", "openai", "qwen2.5-coder", api.openai, "K", options={"forwards": "true"})
        books = Books(budget=Budget(day=5.0, warn_at=0.01), prices={"cloud": Price(1.0, 20_000.0)})
        config = ModelsConfig(False, (spec,), books=books, keeping=None)
        services = Services(models=lambda _, tell: build_router(config, {"K": "k"}, tell=tell))
        async with editor(services) as client:
            await client.initialize(initializationOptions={"inline": {"timeout_ms": 60_000}})
            await client.until(lambda: client.server.session.models)
            client.open(uri, source)
            for line, character in ((1, 11), (1, 10), (0, 16)):
                at = {"line": line, "character": character}
                asked = {"textDocument": {"uri": uri}, "position": at, "context": {"triggerKind": 1}}
                await client.request("textDocument/inlineCompletion", asked)
            why = await client.request("workspace/executeCommand", {"command": "devflow.why"})
            assert len(api.requests) == 3, why["markdown"]
            assert client.shown() == ["1% of the budget for today (5.00) is spent."]


async def test_what_an_experiment_assigned_is_written_down_with_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with serve() as api:
        specs = tuple(
            ModelSpec(name, "openai", "qwen2.5-coder", api.openai, "K") for name in ("one", "two", "three")
        )
        trial = Experiment("which", ("one", "two"), ("fill", "explain"), share=0.5)
        router = build_router(
            ModelsConfig(False, specs, experiments=(trial,), hedge=False, keeping=None), {"K": "k"}
        )
        for number in range(24):
            path = f"{number}.py"
            await router.whole(FillRequest("a = ", "\n", "python", path, context_paths=("other.py",)))
            messages = (Message("user", f"question {number}"),)
            await router.whole(ChatRequest(messages, paths=(path,), task="explain", language="python"))
        await router.whole(FillRequest("a = ", "\n", "python", "", context_paths=("0.py",)))
        await router.close()
    ledger = Ledger(tmp_path / "devflow" / LEDGER)
    calls = ledger.calls()
    ledger.close()
    for task in ("fill", "explain"):
        questions = [ChatRequest((Message("user", f"question {number}"),)).unit for number in range(24)]
        units = questions if task == "explain" else [f"{number}.py" for number in range(24)]
        given = [assigned((trial,), task, "python", unit) for unit in units]
        asked = [call for call in calls if call.feature == task]
        for name in ("one", "two"):
            made = [call for call in asked if (call.experiment, call.model) == ("which", name)]
            assert len(made) == sum(each.model == name for each in given) > 0
            assert len({call.unit for call in made} - {""}) == len(made)
        outside = [call for call in asked if not call.experiment]
        assert not any(call.unit for call in outside)
        assert len(outside) == sum(not each.model for each in given) + (task == "fill")
