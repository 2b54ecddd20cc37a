"""The version in the headers is that of the project."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_one() -> None:
    project = re.search(r"project\(Sabot\s+VERSION\s+([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    header = re.search(r'kVersion = "([0-9.]+)"', (ROOT / "src" / "sabot" / "data" / "version.h").read_text())
    assert project is not None
    assert header is not None
    assert header[1] == project[1]
