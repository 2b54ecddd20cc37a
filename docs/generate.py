"""Writes the generated pages of docs/: `make docs`."""

from pathlib import Path

from sabot.reference import reference

if __name__ == "__main__":
    page = Path(__file__).parent / "reference" / "kernels.md"
    page.write_text(reference())
    print(page)
