"""docs/how-to/choose-a-kernel.md names every kernel, by question."""

import re
from pathlib import Path

import pytest

from sabot import fintech

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "choose-a-kernel.md").read_text()
NAMED = set(re.findall(r"`([a-z][a-z0-9_]*)`", PAGE))
QUESTIONS = [
    "Which volatility estimator?",
    "Which average?",
    "Is this quote safe to trade on?",
    "What does trading cost here?",
    "Do two assets move together, and which leads?",
    "How much might I lose?",
]


def test_every_kernel_has_its_place() -> None:
    missing = {info.name for info in fintech.kernels()} - NAMED
    assert missing == set(), "say on the page when to take it"
    assert "optimal_ac_schedule" in NAMED


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions(question: str) -> None:
    assert f"\n## {question}\n" in PAGE
