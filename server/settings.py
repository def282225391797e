"""Settings: what may be written (`Options`), and what becomes of it (`Settings`); `sources` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devflow.models.base import EngineName, ModelsConfig
from devflow.server.sections import Field, Section

FILE_NAME = "devflow.toml"


class Features(Section):
    """Switch single features off, e.g. where another server already has them."""

    completion: bool = Field(default=True, description="Offer completions.")
    inline_completion: bool = Field(default=True, description="Offer ghost text.")
    next_edit: bool = Field(default=True, description="Offer the edit that comes next.")
    hover: bool = Field(default=True, description="Show hover cards.")
    signature_help: bool = Field(default=True, description="Show signatures inside calls.")
    definition: bool = Field(default=True, description="Answer go to definition and go to declaration.")
    type_definition: bool = Field(default=True, description="Answer go to type definition.")
    implementation: bool = Field(default=True, description="Answer go to implementation.")
    references: bool = Field(default=True, description="Answer find references.")
    document_highlight: bool = Field(default=True, description="Mark the other places of a name.")
    call_hierarchy: bool = Field(default=True, description="Answer who calls what.")
    code_lens: bool = Field(default=True, description="Count callers and tests over definitions.")
    document_link: bool = Field(default=True, description="Make links of addresses, files and roles.")
    type_hierarchy: bool = Field(default=True, description="Answer which class extends which.")
    document_symbol: bool = Field(default=True, description="List the symbols of a document.")
    folding_range: bool = Field(default=True, description="Tell what can be folded.")
    selection_range: bool = Field(default=True, description="Grow and shrink the selection.")
    semantic_tokens: bool = Field(default=True, description="Colour names by what they are.")
    inlay_hint: bool = Field(default=False, description="Show parameter names and types inside the code.")
    workspace_symbol: bool = Field(default=True, description="Search symbols of the workspace.")
    rename: bool = Field(default=True, description="Rename symbols.")
    code_action: bool = Field(
        default=True, description="Offer refactorings, imports, Explain, Document, tests."
    )
    diagnostics: bool = Field(default=True, description="Publish review diagnostics.")


class Index(Section):
    """What goes into the index."""

    enabled: bool = Field(default=True, description="Index the workspace.")
    exclude: tuple[str, ...] = Field(default=(), description="More gitignore-style patterns to leave out.")
    max_file_bytes: int = Field(default=1_000_000, ge=1_000, description="Larger files are left out.")
    max_line_length: int = Field(
        default=5_000, ge=100, description="Files with a longer line are taken for generated and left out."
    )
    vectors: bool = Field(default=True, description="Keep vectors of the chunks in Chroma.")
    max_disk_mib: int = Field(
        default=4_000,
        ge=100,
        description="The indexes of all workspaces may take so much room; the oldest unused ones go first.",
    )


class Chroma(Section):
    """A Chroma server for the vectors, instead of a folder of the index. It is sent vectors and numbers, no
    text. Only the user's own file or the editor may name one."""

    url: str = Field(default="", description="Its address, e.g. `http://localhost:8000`.")
    tenant: str = Field(default="default_tenant", description="Its tenant.")
    database: str = Field(default="default_database", description="Its database.")
    token_env: str = Field(default="", description="Environment variable that holds its token.")


class Retrieval(Section):
    """How code is found by meaning."""

    embedder: str = Field(
        default="devflow-static",
        description="What makes the vectors: `devflow-static`, `devflow-hashed`, the full path of a folder "
        "with a model2vec, sentence-transformers or ONNX MiniLM model, or the name of a model with the task "
        "`embed`.",
    )
    chroma: Chroma = Chroma()


class Python(Section):
    """Who infers types."""

    engine: Literal["auto", "jedi", "ty"] = Field(
        default="auto", description="`auto`: ty where it is installed (extra `fast`), else jedi."
    )


class Completion(Section):
    """How completion answers."""

    deadline_ms: int = Field(
        default=40,
        ge=5,
        le=5_000,
        description="The list goes out after this many milliseconds, with what is there.",
    )
    max_items: int = Field(default=150, ge=10, le=2_000, description="Longest list sent.")
    parentheses: bool = Field(
        default=True,
        description="Accepting a function where it is most likely called adds its parentheses.",
    )


class Inline(Section):
    """How ghost text answers."""

    max_tokens: int = Field(default=64, ge=4, le=1_024, description="Longest suggestion asked of a model.")
    min_confidence: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Without a model: show the rest of a line that is right with this probability or more.",
    )
    timeout_ms: int = Field(
        default=3_000, ge=50, le=60_000, description="Give up on a model after this long."
    )
    mode: Literal["eager", "subtle", "manual"] = Field(
        default="eager",
        description="Suggest wherever it may help, only where code must follow, or only when asked by a key.",
    )
    languages_off: tuple[str, ...] = Field(default=(), description="Languages without ghost text.")
    paths_off: tuple[str, ...] = Field(default=(), description="Path patterns without ghost text.")
    min_acceptance: float = Field(
        default=0.15, ge=0, le=1, description="Show only what is accepted with this probability or more."
    )
    context: bool = Field(default=True, description="Tell the model of code in other files.")
    speculate: bool = Field(
        default=True, description="Let a local model write what may come next while a suggestion is shown."
    )
    read_ahead: bool = Field(
        default=True,
        description="Let a local model read the code around a resting cursor, so that its first suggestion "
        "there comes sooner.",
    )
    check_names: bool = Field(
        default=True, description="Repair or leave out suggestions with names that do not exist."
    )
    as_item: bool = Field(
        default=True,
        description="In editors without ghost text, offer it as the second item of the completion list.",
    )


class NextEdit(Section):
    """How the edit that comes next is found."""

    model: bool = Field(
        default=True,
        description="Ask the chat model, where there is one and no rule knows what comes next.",
    )


class Feedback(Section):
    """What became of suggestions, kept on this machine."""

    record: bool = Field(
        default=True,
        description="Keep which suggestions were shown, accepted and rejected: sizes, times and models, no "
        "text. Nothing of it leaves the machine.",
    )


class Hover(Section):
    """What a hover card holds."""

    explain: Literal["cached", "off"] = Field(
        default="cached", description="Join the AI explanation when it has been made before, or never."
    )


class Review(Section):
    """The checks behind the review diagnostics."""

    syntax: bool = Field(default=True, description="Report what cannot be parsed.")
    names: bool = Field(default=True, description="Report names that nothing defines (Python).")
    imports: bool = Field(
        default=True,
        description="Report modules that are neither in the workspace nor in its environment (Python).",
    )
    calls: bool = Field(
        default=True, description="Report calls that cannot fit the signature they resolve to."
    )
    callers: bool = Field(
        default=True,
        description="Report calls and imports in other files that fail with the file as it is now.",
    )
    duplicates: bool = Field(default=True, description="Report functions that nearly duplicate another.")
    secrets: bool = Field(default=True, description="Report hard-coded secrets.")


class Model(Section):
    """One model. Only the user's own file or the editor may name one."""

    name: str = Field(description="How messages and `models.fill` / `models.chat` call it.")
    engine: EngineName = Field(description="What runs it.")
    model: str = Field(
        default="", description="Model id at the provider, or path of a GGUF file or an EXL2 folder."
    )
    base_url: str = Field(
        default="", description="Address of an OpenAI-compatible or Anthropic-compatible server."
    )
    api_key_env: str = Field(default="", description="Environment variable that holds the key.")
    api_key_store: str = Field(
        default="",
        description="`service/user` of the key in the operating system's key store (extra `keys`).",
    )
    family: str = Field(default="", description="Model family, when it cannot be guessed from the name.")
    context: int | None = Field(
        default=None,
        ge=128,
        description="Tokens the model can read; unset: what its family was trained to read. Of a model that "
        "is loaded here 4,096 at most, for memory is set aside for all of them; 4,096 of an unknown family.",
    )
    tasks: tuple[Literal["fill", "explain", "edit", "review", "chat", "embed"], ...] = Field(
        default=("fill", "chat"),
        description="What it is used for; `chat` stands for explain, edit and review as well.",
    )
    languages: tuple[str, ...] = Field(default=(), description="Languages it is an expert in.")
    options: dict[str, str] = Field(default_factory=dict, description="Engine-specific options.")
    input_price: float | None = Field(
        default=None, ge=0, le=1e6, description="Money for a million tokens read; unset: the list price."
    )
    cached_price: float | None = Field(
        default=None, ge=0, le=1e6, description="The same, of tokens from the provider's cache."
    )
    output_price: float | None = Field(
        default=None, ge=0, le=1e6, description="Money for a million tokens written; unset: the list price."
    )


class Budgets(Section):
    """The most money that models may cost, in the currency of their prices; days and months are UTC's."""

    request: float | None = Field(default=None, ge=0, le=1e9, description="Of one request.")
    day: float | None = Field(default=None, ge=0, le=1e9, description="Of a day.")
    month: float | None = Field(default=None, ge=0, le=1e9, description="Of a month.")
    workspace_day: float | None = Field(default=None, ge=0, le=1e9, description="Of a day, each workspace.")
    workspace_month: float | None = Field(
        default=None, ge=0, le=1e9, description="Of a month, each workspace."
    )
    warn_at: float = Field(
        default=0.8, gt=0, le=1, description="The share of a budget to warn at, once a day or month."
    )
    when_spent: Literal["stop", "downgrade"] = Field(
        default="downgrade", description="Then: fail, or ask the next model, which may be cheaper or local."
    )


class Limits(Section):
    """The most in a minute; 0: no limit."""

    provider_requests: int = Field(default=0, ge=0, description="Requests to each provider.")
    provider_tokens: int = Field(default=0, ge=0, description="Tokens to and from each provider.")
    user_requests: int = Field(default=0, ge=0, description="Requests to all providers together.")
    user_tokens: int = Field(default=0, ge=0, description="Tokens to and from all providers together.")


class KeptAnswers(Section):
    """Answers of remote chat models that are given again."""

    enabled: bool = Field(default=True, description="Keep answers, in your cache folder.")
    hours: float = Field(default=168.0, gt=0, le=87_600, description="For so long.")
    threshold: float = Field(
        default=0.95,
        ge=0,
        le=1,
        description="How alike two questions about the same code must be (cosine); 1: the same.",
    )
    checked: float = Field(
        default=0.05, ge=0, le=1, description="Share of answers to alike questions that are checked."
    )


class RoutingRule(Section):
    """Where it applies, everything it names must fit; `prefer`, `avoid`, `only` name models, or `local`,
    `remote`, `expert`."""

    name: str = Field(description="How `devflow route --explain` calls it.")
    tasks: tuple[Literal["fill", "explain", "edit", "review", "chat"], ...] = Field(
        default=(), description="Tasks it is about; none: all."
    )
    languages: tuple[str, ...] = Field(default=(), description="Languages it is about; none: all.")
    min_tokens: int = Field(default=0, ge=0, description="Only requests of so many tokens or more.")
    max_tokens: int = Field(default=0, ge=0, description="Only requests of so many tokens or less; 0: all.")
    min_difficulty: float = Field(default=0.0, ge=0, le=1, description="Only requests this hard or harder.")
    max_difficulty: float = Field(default=1.0, ge=0, le=1, description="Only requests this easy or easier.")
    prefer: tuple[str, ...] = Field(default=(), description="Who goes first, in this order.")
    avoid: tuple[str, ...] = Field(default=(), description="Who goes last.")
    only: tuple[str, ...] = Field(default=(), description="Who may be asked at all.")


class Trial(Section):
    """Two or more models side by side; a file (ghost text), or a conversation, stays with its model."""

    name: str = Field(description="How `devflow experiments` calls it.")
    models: tuple[str, ...] = Field(
        description="Their names; the first is what the others are compared with."
    )
    tasks: tuple[Literal["fill", "explain", "edit", "review", "chat"], ...] = Field(
        default=("fill",), description="What they do."
    )
    languages: tuple[str, ...] = Field(default=(), description="In which languages; none: all.")
    share: float = Field(
        default=1.0, gt=0, le=1, description="Of the files, or conversations, that take part."
    )


class Family(Section):
    """A family of models, or other facts about one that is known."""

    name: str = Field(description="How `family` of a model calls it.")
    like: str = Field(default="", description="A known family whose facts count where none are given here.")
    guess: str = Field(default="", description="Part of a model's name by which the family is known.")
    prefix: str = Field(default="", description="Control token before the code before the cursor.")
    suffix: str = Field(default="", description="Control token before the code behind the cursor.")
    middle: str = Field(default="", description="Control token before the answer.")
    order: Literal["psm", "spm"] = Field(default="psm", description="Prefix or suffix first.")
    file: str = Field(
        default="",
        description="Control token before a file's name: code of other files is then given as files.",
    )
    repo: str = Field(default="", description="Control token before the repository's name.")
    name_inside: bool = Field(
        default=False, description="The name of the file with the hole stands behind the prefix token."
    )
    glue: str = Field(
        default="", description="Plain text between a control token and what follows it, such as a space."
    )
    suffix_first: bool = Field(
        default=False,
        description="Trained as well on prefix token, suffix token, suffix, middle token, prefix: engines "
        "that keep what they read then read less.",
    )
    end: tuple[str, ...] = Field(default=(), description="Control tokens that end an answer.")
    stop: tuple[str, ...] = Field(default=(), description="Strings that end an answer.")
    context: int = Field(default=0, ge=0, description="Tokens it was trained to read; 0: not given.")
    input_price: float | None = Field(
        default=None, ge=0, le=1e6, description="Money for a million tokens read, where a model names none."
    )
    output_price: float | None = Field(default=None, ge=0, le=1e6, description="The same, of tokens written.")
    system: tuple[str, ...] = Field(default=(), description="What stands before and after a system turn.")
    user: tuple[str, ...] = Field(default=(), description="What stands before and after the user's turn.")
    assistant: tuple[str, ...] = Field(default=(), description="Before and after the model's turn.")


class Models(Section):
    """Which models answer, in which order, and what may leave the machine."""

    local_only: bool | None = Field(
        default=None,
        description="True: nothing leaves the machine. Unset: remote models the user named may be called.",
    )
    models: tuple[Model, ...] = Field(default=(), description="Models in order of preference.", alias="list")
    never_send: tuple[str, ...] = Field(
        default=(), description="gitignore-style patterns of files whose text never leaves the machine."
    )
    timeout_s: float = Field(default=60.0, gt=0, le=600, description="Longest wait for a remote answer.")
    redact_personal: bool = Field(
        default=True, description="Take personal data out of what leaves the machine, as secrets always are."
    )
    budget: Budgets = Budgets()
    limits: Limits = Limits()
    answers: KeptAnswers = KeptAnswers()
    ledger: bool = Field(
        default=True,
        description="Write down what calls cost (`devflow stats`) and what left (`devflow audit`).",
    )
    audit_content: bool = Field(
        default=False, description="The audit log also holds the text as it was sent, without its secrets."
    )
    metrics_file: str = Field(
        default="", description="A file that is kept up to date with metrics in Prometheus's text format."
    )
    traces_endpoint: str = Field(
        default="", description="OTLP/gRPC endpoint for traces of calls, without content (extra `telemetry`)."
    )
    rules: tuple[RoutingRule, ...] = Field(
        default=(), description="Who is asked first, by task, language, size and difficulty."
    )
    experiments: tuple[Trial, ...] = Field(default=(), description="Models compared on your own work.")
    families: tuple[Family, ...] = Field(default=(), description="Families of models that are not known.")
    learn: bool = Field(
        default=True, description="Ask the model first whose suggestions you accept more often."
    )
    hedge: bool = Field(
        default=True, description="Ask a second time when the first word of an answer is late."
    )


class Options(Section):
    """Everything `devflow.toml` and the editor's `devflow` section may say; all of it optional."""

    features: Features = Features()
    index: Index = Index()
    retrieval: Retrieval = Retrieval()
    python: Python = Python()
    completion: Completion = Completion()
    inline: Inline = Inline()
    next_edit: NextEdit = NextEdit()
    feedback: Feedback = Feedback()
    hover: Hover = Hover()
    review: Review = Review()
    models: Models = Models()
    log_level: Literal["error", "warning", "info", "debug"] = Field(
        default="warning", description="What goes to stderr; never document text."
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How it is written there: lines of text or JSON objects, each with id and method of the "
        "request it is about.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The resolved settings; every module is given what it needs of them."""

    features: Features = Features()
    index: Index = Index()
    retrieval: Retrieval = Retrieval()
    python: Python = Python()
    completion: Completion = Completion()
    inline: Inline = Inline()
    next_edit: NextEdit = NextEdit()
    feedback: Feedback = Feedback()
    hover: Hover = Hover()
    review: Review = Review()
    models: ModelsConfig = ModelsConfig()
    log_level: str = "warning"
    log_format: str = "text"
