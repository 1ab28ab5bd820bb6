"""Which model serves which task."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from pgassay.agent.facts import project_facts
from pgassay.agent.policy import Policy, parse_policy, shipped
from pgassay.agent.routing import Choice, Facts, parallel, route
from pgassay.agent.tasks import Task, assign, blocked_by, circle, read_tasks
from pgassay.cli import main
from pgassay.errors import InputError, UsageError
from pgassay.report.schemas import schema

SONNET, OPUS = "anthropic:claude-sonnet-5-5", "anthropic:claude-opus-5-5"

TABLE = """
security            | Add row-level security to the holder table so that an issuer sees its own investors
security            | Review the grants of the reporting role
security            | Why can tenant A read tenant B's transfers?
security            | Write an RLS policy for every command on identity
security            | Quick hotfix: REVOKE the CREATE privilege on schema public
security            | Check the SECURITY DEFINER functions for search_path attacks
security            | Store the oracle's private keys encrypted
security            | Keep an audit trail of changes to the transfer table
security            | Document the row level security of the security token tables
security            | Format the SQL of the permissions migration
security            | Is our query builder open to SQL injection?
security            | Block transfers of sanctioned wallets
security            | Give the compliance officer a read-only view of frozen wallets
security            | Investors may only see their own holdings
personal-data       | Add an index on the investor's email
personal-data       | Store KYC documents for the onboarding flow
personal-data       | Add a passport number column to the customer table
personal-data       | Pseudonymise investors for the GDPR export
personal-data       | A table of IBANs for dividend distribution
personal-data       | Show the payouts of each holder, newest first
lost-data           | Drop the memo column from transfer
lost-data           | Truncate the staging tables every night
lost-data           | Find out which rows the faulty upsert corrupted and restore them
expand-contract     | Rename column symbol to ticker with zero downtime
expand-contract     | Change the type of transfer.amount from text to numeric
expand-contract     | Backfill block_time for old transfers
expand-contract     | Split the table token into token and token_metadata
expand-contract     | Upgrade PostgreSQL from 15 to 18
lost-data           | Undo the last migration
lost-data           | Drop transfer.memo
expand-contract     | Rename transfer.memo to note
expand-contract     | Convert the timestamps to timestamptz
expand-contract     | Make transfer.amount a bigint instead of numeric
expand-contract     | Turn the varchar status of claims into an enum
expand-contract     | Move the identities into their own schema
repartitioning      | Partition the existing transfer table by month
many-tables         | Migrate 12 tables from integer to identity keys
many-tables         | Restructure several tables of the compliance module
large-tables        | Add a NOT NULL constraint to a table of 2 billion rows
large-tables        | Alter transfer, which has 400 million rows
large-data          | Move 3 TB of logs to the new tablespace
cross-system        | Keep the balances in PostgreSQL and Redis consistent
cross-system        | Replicate the token registry to the data warehouse
cross-system        | Feed transfers from Kafka without duplicates
cross-system        | Let the subgraph and the API agree on decimals
analysis            | Find the root cause of the nightly deadlocks
analysis            | Investigate why balances drift after a reorg
analysis            | Which trade-offs has bytea over text for addresses?
analysis            | Prove that the rollup always equals the sum of its transfers
analysis            | Why is the holders page slow since Tuesday?
analysis            | Make the balances consistent with the chain after the indexer was down
analysis            | Fix the failing migration 0006
analysis            | Our nightly job locks the holder table for 4 minutes
analysis            | The indexer crashes with a duplicate key after a chain reorganisation
novel               | Invent a table layout for zero-knowledge proofs of reserves
novel               | Prototype a custom index type for token ids
unknown             | Make it better
unknown             | Help the team with the quarter's goals
unknown             |
documentation       | Document the transfer table
documentation       | What is the difference between balances and holder?
documentation       | Write the README of the migrations folder
documentation       | Comment every column of token
indexes             | Add an index on transfer (from_address, block_number)
indexes             | Which index serves the holders listing?
indexes             | Reindex transfer concurrently
queries             | Rewrite the OFFSET query as keyset pagination
queries             | Speed up the list of largest holders
queries             | Add a materialised view with daily volumes
queries             | The query for the top 20 holders is slow, tune it
queries             | Show the top 50 holders of a token with their share of the supply
queries             | Count transfers per day for the last 90 days
schema              | Create a table with a bigint id and a text name
schema              | Create a table for ERC-20 transfers
schema              | Design the schema for an ERC-721 collection
schema              | Add a nullable column note to token
schema              | Use numeric(78,0) for amounts
schema              | Add a unique constraint on chain and contract address
schema              | Set a retention policy for partitions: 90 days
schema              | Add the security token's schema to Drizzle
repetitive          | Rename the file 0007_identities.sql
unknown             | Add country to holder so that restrictions can be enforced
repetitive          | Seed the development database with fixtures
repetitive          | Fix the typos in the file names
repetitive          | Regenerate the factories
time-sensitive      | Urgent: get staging going again right now
review              | Review what is new on this branch
review              | Check the storage of the last week
"""
CASES = [(rule.strip(), task.strip()) for rule, _, task in (line.partition("|") for line in TABLE.strip().splitlines())]
STRONG = {r.name for r in shipped().rules if r.model == "strong"} | {"unknown"}


def test_the_table_is_a_table() -> None:
    assert len({task for _, task in CASES}) >= 60
    names = {r.name for r in shipped().rules}
    facts_alone = {"personal-columns", "exposed-rows", "dangerous-migration", "long-migration"}
    assert {rule for rule, _ in CASES} == (names - facts_alone) | {"unknown"}


@pytest.mark.parametrize(("rule", "task"), CASES)
def test_task(rule: str, task: str) -> None:
    decision = route(task)
    assert decision.rule == rule, decision.reason
    assert decision.model == (OPUS if rule in STRONG else SONNET)
    said = [e.removeprefix("the task says ").split(", ") for e in decision.evidence if e.startswith("the task says")]
    assert all(word in decision.reason for words in said for word in words)


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (Facts(verdicts=frozenset({"fails"})), "dangerous-migration"),
        (Facts(verdicts=frozenset({"style", "loses-data"})), "dangerous-migration"),
        (Facts(verdicts=frozenset({"exposes", "fails"})), "exposed-rows"),
        (Facts(columns=frozenset({"id", "Investor_Email"})), "personal-columns"),
        (Facts(tables=3), "many-tables"),
        (Facts(retyped=1), "expand-contract"),
        (Facts(named=2), "schema"),
        (Facts(tables=2), "schema"),
        (Facts(statements=60), "long-migration"),
        (Facts(verdicts=frozenset({"slows", "style"})), "schema"),
    ],
)
def test_facts(facts: Facts, rule: str) -> None:
    assert route("Write the migration", facts).rule == rule


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("Drop the memo column of transfer", "dangerous-migration"),
        ("Fix 0003_token_issuer", "dangerous-migration"),
        ("Deploy the pending migrations", "dangerous-migration"),
        ("Document the token table", "documentation"),
        ("Add an index to identity", "indexes"),
        ("Rename the balance of holder to amount", "expand-contract"),
        ("Make holder.balance a bigint", "expand-contract"),
        ("Add a bigint column nonce to holder", "schema"),
    ],
)
def test_a_projects_facts_count_as_far_as_the_task_concerns_them(task: str, rule: str) -> None:
    assert route(task, project_facts(task, "examples/token-registry")).rule == rule


def test_personal_columns_of_a_table_that_the_task_names(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_text(
        "CREATE TABLE investor (id bigint PRIMARY KEY, tax_id text);\nCREATE TABLE t (id int);\n"
    )
    named, other = "Add an index to the investors", "Add an index to t"
    assert route(named, project_facts(named, str(tmp_path / "1.sql"))).rule == "personal-columns"
    assert route(other, project_facts(other, str(tmp_path / "1.sql"))).rule == "indexes"


SECURE = [r for r in shipped().rules if r.always]
PHRASES = [w for r in SECURE for w in r.words]
words = st.text(alphabet="abcdefghij klmnop-qrstuvw_xyz.,;:'\n\t019", max_size=40)


@given(words, st.sampled_from(PHRASES), words, st.sampled_from([str.upper, str.lower, str.title]))
@example("urgent, quick: document", "rls", "an index", str.upper)
def test_security_always_gets_the_stronger_model(before: str, phrase: str, after: str, case: object) -> None:
    said = phrase.replace("*", "").replace(" ", "-")
    task = f"{before} {case(said)} . {after}"  # type: ignore[operator]
    if any(asked in task.lower() for asked in ("model:", "reason:")):
        return
    decision = route(task)
    for final in (decision, parallel(decision, blocks=0, policy=shipped())):
        assert final.model == OPUS and final.level == "strong" and final.always
        assert final.models == (OPUS,), "no weaker model stands in"


@given(words, st.sampled_from(["exposes"]), st.integers(0, 3))
def test_exposed_rows_always_get_the_stronger_model(task: str, verdict: str, blocks: int) -> None:
    decision = route(task, Facts(verdicts=frozenset({verdict})))
    assert parallel(decision, blocks=blocks, policy=shipped()).level == "strong"


@given(st.text(max_size=200), st.builds(Facts, tables=st.integers(0, 99), rows=st.integers(0, 10**12)))
def test_every_task_has_a_model_and_a_reason(task: str, facts: Facts) -> None:
    try:
        decision = route(task, facts)
    except UsageError:
        assert "model:" in task.lower()
        return
    assert decision.model and decision.reason
    assert route(task, facts) == decision


# Somebody chooses


def test_a_choice_wins_and_says_so() -> None:
    decision = route("Add RLS to holder", choice=Choice(model="sonnet", reason="a dry run"))
    assert decision.model == SONNET
    assert "a dry run" in decision.reason and OPUS in decision.reason and decision.routed == "strong"


def test_a_choice_in_the_task() -> None:
    decision = route("Document the token table\nmodel: opus\nreason: it is for the auditors")
    assert (decision.model, decision.rule) == (OPUS, "chosen")
    assert "it is for the auditors" in decision.reason
    named = route("Document it", choice=Choice(model="openai:gpt-9", reason="because"))
    assert named.models == ("openai:gpt-9",)


def test_a_choice_wants_a_reason() -> None:
    with pytest.raises(UsageError, match="reason"):
        route("Document the token table\nmodel: opus")


# Several tasks


def test_who_blocks_others_gets_the_stronger_model() -> None:
    tasks = (
        Task(id="schema", task="Add a table for dividends"),
        Task(id="queries", task="A query for the newest dividends", needs=("schema",)),
        Task(id="docs", task="Document the dividends", needs=("schema", "queries")),
        Task(id="rls", task="Row security for dividends"),
        Task(id="why", task="Investigate the deadlock"),
        Task(id="mine", task="Document the rest", model="strong", reason="for the auditors"),
    )
    found = assign(tasks, lambda _: Facts(), shipped())
    assert {id: (d.level, d.rule) for id, d in found.items()} == {
        "schema": ("strong", "critical-path"),
        "queries": ("strong", "critical-path"),
        "docs": ("default", "parallel"),
        "rls": ("strong", "security"),
        "why": ("default", "parallel"),
        "mine": ("strong", "chosen"),
    }
    assert "2 other tasks wait" in found["schema"].reason


graphs = st.integers(1, 7).flatmap(
    lambda n: st.lists(st.sets(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n)
)


@given(graphs)
def test_circles_are_found(needs: list[set[int]]) -> None:
    tasks = [Task(id=str(n), task="x", needs=tuple(map(str, each))) for n, each in enumerate(needs)]
    ring = circle(tasks)
    by_id = {t.id: t for t in tasks}
    if ring:
        assert ring[0] == ring[-1] and len(ring) > 1
        assert all(b in by_id[a].needs for a, b in itertools.pairwise(ring))
    else:
        assert sum(blocked_by(tasks, t.id) == 0 for t in tasks) >= 1
        assert all(blocked_by(tasks, t.id) < len(tasks) for t in tasks)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[task]]\nid = 'a'\ntask = 'x'\n[[task]]\nid = 'a'\ntask = 'y'\n", "tasks.toml:4: 'a' is the id of two"),
        ("[[task]]\ntask = 'x'\nneeds = ['b']\n", "tasks.toml:1: it needs 'b'"),
        ("[[task]]\nid='a'\ntask='x'\nneeds=['b']\n[[task]]\nid='b'\ntask='x'\nneeds=['a']\n", "a → b → a"),
        ("[[task]]\ntask = 'x'\nmodel = 'opus'\n", "model wants a reason"),
        ("[[task]]\nid = 'a'\n", "no text"),
        ("[[task]]\ntask = 'x'\nurgency = 3\n", "no setting 'urgency'"),
        ("[[task]]\ntask = \n", "tasks.toml:2: is no TOML"),
        ("", "holds tasks"),
        ("tasks = 3", "holds tasks"),
    ],
)
def test_a_faulty_file_of_tasks(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "tasks.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read_tasks(file)
    assert problem in str(error.value)


# A table of one's own


def own(text: str) -> Policy:
    return parse_policy(text, "own.toml", shipped())


def test_an_own_table_is_asked_first_but_not_about_security() -> None:
    policy = own(
        '[models]\nstrong = ["openai:big", "mistral:big"]\n'
        '[[rule]]\nname = "ours"\nmodel = "default"\nreason = "we know these"\nwords = ["reorg*", "rls"]\n'
    )
    assert route("Investigate the reorg", policy=policy).rule == "ours"
    secure = route("Rls after a reorg", policy=policy)
    assert (secure.rule, secure.models) == ("security", ("openai:big", "mistral:big"))
    assert route("Speed up this query", policy=policy).models == (SONNET, "openai:big", "mistral:big")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[models]\nstrong = []\n", "own.toml:2: strong is the name"),
        ("[models]\nmedium = 'x'\n", "own.toml:2: no setting 'medium'"),
        ("[[rule]]\nname='a'\nmodel='default'\nreason='b'\n", "no condition"),
        ("[[rule]]\nname='a'\nmodel='best'\nreason='b'\nwords=['x']\n", "own.toml:3: model is one of"),
        ("[[rule]]\nname='a'\nmodel='default'\nreason='b'\nwords='x'\n", "own.toml:5: words is a list"),
        ("[[rule]]\nname='a'\nmodel='default'\nreason='b'\nwords=['*']\n", "own.toml:5: words is a list"),
        ("[[rule]]\nname='a'\nmodel='default'\nreason='b'\nmin_rows=-1\n", "own.toml:5: min_rows is a whole"),
        ("rules = 3\n", "own.toml:1: no setting 'rules'"),
        ("[models\n", "own.toml:1: is no TOML"),
    ],
)
def test_a_faulty_table(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        own(text)
    assert problem in str(error.value)


# The document


@pytest.mark.parametrize(
    "words",
    [
        ["Document the token table"],
        ["Add RLS\x1b[31m", "Add an index", "\udc80"],
        ["Drop the memo column of transfer", "--project", "examples/token-registry"],
        ["Add RLS", "--model", "ollama:small", "--reason", "it never leaves the house"],
    ],
)
def test_the_document_is_of_its_schema(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["agent", "route", *words, "--format", "json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    jsonschema.validate(document, schema("agent-route"))
    for task in document["tasks"]:
        assert task["model"] and task["reason"] and task["rule"]
        assert task["level"] in ("default", "strong") and task["model"] not in task["fallback"]
