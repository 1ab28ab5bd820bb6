"""What git knows of a folder. Only questions; nothing here changes a repository or runs its hooks."""

from __future__ import annotations

import os
import subprocess

from pgassay.errors import UsageError

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false")
# Set inside a hook, where they would point somewhere else than the folder asked about.
_HOOK_VARIABLES = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}
_DEFAULT_BRANCHES = (
    "refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main",
    "refs/heads/master",
)  # fmt: skip


def ask(folder: str, *arguments: str) -> str | None:
    """What a git command prints, run in a folder; None where it fails or there is no git."""
    environment = {k: v for k, v in os.environ.items() if k not in _HOOK_VARIABLES}
    try:
        answer = subprocess.run(
            ["git", "-C", folder, *_SAFE, *arguments],
            capture_output=True,
            timeout=60,
            env=environment | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode("utf-8", "surrogateescape") if answer.returncode == 0 else None


def default_branch(folder: str) -> str | None:
    """The repository's default branch as a short name (``origin/main``), or None."""
    answer = ask(folder, "for-each-ref", "--format=%(refname)", *_DEFAULT_BRANCHES)
    present = set((answer or "").split())
    found = next((name for name in _DEFAULT_BRANCHES if name in present), None)
    return found.removeprefix("refs/remotes/").removeprefix("refs/heads/") if found else None


def merge_base(folder: str, ref: str) -> str:
    """The commit where HEAD left ``ref``. Raises UsageError with the way out where there is none."""
    if ask(folder, "rev-parse", "--is-inside-work-tree") is None:
        raise UsageError(
            f"--base {ref}: {folder} is in no git repository", hint="Use --history, or --database URL, instead."
        )
    if ref.startswith("-") or ask(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}") is None:
        raise UsageError(
            f"--base {ref}: git knows no such commit here",
            hint="Fetch it first (git fetch origin main); in CI check out with the history (fetch-depth: 0).",
        )
    found = ask(folder, "merge-base", ref, "HEAD")
    if found is None:
        raise UsageError(
            f"--base {ref}: it has no commit in common with HEAD",
            hint="A shallow clone? Check out with the history (fetch-depth: 0, or git fetch --unshallow).",
        )
    return found.strip()


def files_at(folder: str, commit: str) -> set[str]:
    """The files below a folder in a commit, relative to the folder."""
    return _list(ask(folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", "."))


def modified_since(folder: str, commit: str) -> set[str]:
    """The files below a folder that differ from a commit in the working tree, relative to the folder."""
    options = ("--name-only", "-z", "--relative", "--no-renames", "--no-ext-diff", "--no-textconv", "--diff-filter=M")
    return _list(ask(folder, "diff", *options, commit, "--", "."))


def text_at(folder: str, commit: str, name: str) -> str | None:
    """A file's text in a commit, or None."""
    return ask(folder, "show", "--no-ext-diff", "--no-textconv", f"{commit}:./{name}")


def _list(answer: str | None) -> set[str]:
    return {name for name in (answer or "").split("\0") if name}
