"""Packages of npm for tests, installed once a machine; where npm is missing the test skips, but not in CI."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

DRIZZLE = ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "typescript@7.0.2", "@types/node@26.6.6", "tsx@4.23.15")
COMPILE = (
    *("--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--module", "esnext"),
    *("--moduleResolution", "bundler", "--types", "node"),
)


def npm(*packages: str) -> Path:
    """A folder whose ``node_modules`` holds these packages (``drizzle-kit@0.31.4``)."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("npm is missing, and CI must have it")
        pytest.skip("npm is missing")
    key = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"pgassay-npm-{os.geteuid()}" / key
    if not (folder / "node_modules").is_dir():
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            Path(made, "package.json").write_text("{}", encoding="utf-8")
            command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
            done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                pytest.fail(f"npm install {' '.join(packages)}: {done.stderr}") if os.environ.get("CI") else None
                pytest.skip(f"npm install failed: {done.stderr.strip().splitlines()[-1:]}")
            if not folder.exists():
                shutil.copytree(made, folder, symlinks=True)
    return folder


def run(folder: Path, program: str, *options: str) -> str:
    """What a program of the folder's ``node_modules`` prints; its failure fails the test."""
    done = subprocess.run(
        ["node", f"node_modules/{program}", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
