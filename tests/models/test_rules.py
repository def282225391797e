"""Who is asked first, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from devflow.models.base import Health
from devflow.models.routing.rules import DEFAULT_RULES, Asked, Facts, Rule, State, ordered, rules_of

SMALL = Facts("small", context=4_096)
LARGE = Facts("large", context=32_768)
RUST = Facts("crab", context=4_096, languages=("rust",))
CLOUD = Facts("cloud", remote=True, provider="api.example.com", context=200_000)
FILL = Asked("fill")


def names(
    asked: Asked,
    *models: Facts,
    rules: tuple[Rule, ...] = DEFAULT_RULES,
    states: Mapping[str, State] | None = None,
) -> list[str]:
    found = ordered(asked, models, rules, lambda facts: (states or {}).get(facts.name, State()))
    return [each.facts.name if not each.left_out else f"-{each.facts.name}" for each in found]


def test_without_rules_or_measurements_the_user_s_order_counts() -> None:
    assert names(FILL, SMALL, CLOUD, LARGE) == ["small", "cloud", "large"]


def test_an_expert_goes_first_in_its_language_only() -> None:
    assert names(Asked("fill", "rust"), SMALL, RUST) == ["crab", "small"]
    assert names(Asked("fill", "go"), SMALL, RUST) == ["small", "crab"]


def test_a_rule_of_the_user_s_with_our_name_takes_its_place() -> None:
    mine = rules_of([Rule("experts first")])
    assert names(Asked("fill", "rust"), SMALL, RUST, rules=mine) == ["small", "crab"]


def test_a_rule_says_who_goes_first_who_last_and_in_which_order() -> None:
    rules = (Rule("mine", prefer=("large", "local"), avoid=("cloud",)),)
    assert names(FILL, CLOUD, SMALL, LARGE, rules=rules) == ["large", "small", "cloud"]


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        (Rule("r", tasks=("review",)), False),
        (Rule("r", tasks=("fill", "review"), languages=("python",)), True),
        (Rule("r", languages=("go",)), False),
        (Rule("r", min_tokens=500), True),
        (Rule("r", min_tokens=501), False),
        (Rule("r", max_tokens=499), False),
        (Rule("r", min_difficulty=0.6), False),
        (Rule("r", max_difficulty=0.5), True),
    ],
)
def test_a_rule_applies_where_everything_it_names_fits(rule: Rule, applies: bool) -> None:
    assert rule.applies(Asked("fill", "python", 500, 0.5)) is applies


def test_text_that_must_stay_here_is_not_offered_to_a_remote_model() -> None:
    private = Asked("chat", private=True)
    assert names(private, CLOUD, SMALL) == ["small", "-cloud"]
    [_, left_out] = ordered(private, [CLOUD, SMALL], (), lambda facts: State())
    assert left_out.private
    assert "never leaves this machine" in left_out.left_out


def test_only_leaves_the_others_out_and_names_the_rule() -> None:
    rules = (Rule("at home", only=("local",)),)
    assert names(FILL, CLOUD, SMALL, rules=rules) == ["small", "-cloud"]
    found = ordered(FILL, [CLOUD], rules, lambda facts: State())
    assert found[0].left_out == "the rule 'at home' allows only local"


def test_a_model_that_is_slow_lately_goes_behind_a_quick_one_but_not_behind_what_a_rule_prefers() -> None:
    states = {"small": State(first_piece=2.5), "large": State(first_piece=0.2)}
    assert names(FILL, SMALL, LARGE, states=states) == ["large", "small"]
    assert names(Asked("chat"), SMALL, LARGE, states=states) == ["small", "large"], "quick enough for a chat"
    assert names(FILL, SMALL, LARGE, states=states, rules=(Rule("r", prefer=("small",)),)) == [
        "small",
        "large",
    ]
    found = ordered(FILL, [SMALL], (), lambda facts: states[facts.name])
    assert "slow lately: first piece after 2.50 s, 1 s is wanted" in found[0].reasons


def test_loading_models_go_last_and_failing_ones_nowhere() -> None:
    states = {
        "small": State(Health.LOADING),
        "large": State(Health.FAILING, "Refused. It is tried again in 5 s."),
    }
    assert names(FILL, SMALL, LARGE, CLOUD, states=states) == ["cloud", "small", "-large"]


def test_a_request_that_a_model_cannot_read_whole_goes_to_one_that_can() -> None:
    assert names(Asked("review", tokens=9_000), SMALL, LARGE) == ["large", "small"]


def test_what_was_learned_changes_places_on_one_side_of_the_machine_s_border_only() -> None:
    other = Facts("other")
    states = {"small": State(draw=0.1), "other": State(draw=0.4), "cloud": State(draw=0.9)}
    assert names(FILL, SMALL, CLOUD, other, states=states) == ["other", "cloud", "small"]
    assert names(FILL, SMALL, CLOUD, states=states) == ["small", "cloud"]
    del states["other"]
    assert names(FILL, SMALL, other, states=states) == ["small", "other"], "nothing is known of one of them"


def test_every_candidate_says_why_it_stands_where_it_stands() -> None:
    found = ordered(Asked("fill", "rust"), [SMALL, RUST], DEFAULT_RULES, lambda facts: State(first_piece=0.1))
    assert found[0].reasons == (
        "number 2 in your list",
        "local",
        "the rule 'experts first' prefers experts in rust",
        "quick lately: first piece after 0.10 s",
    )
