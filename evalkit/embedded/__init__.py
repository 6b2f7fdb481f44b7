"""The quickstart's own material: six suites and three small models, and how both are made."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
MODELS = ("base", "tuned", "overfit")
"""Names of the embedded models, as in `local:tuned`."""


def suites_folder() -> Path:
    """Where the shipped suites are: inside an installed package, beside it in a checkout."""
    installed = _PACKAGE / "suites"
    return installed if installed.is_dir() else _PACKAGE.parent.parent / "suites"


def suite_folders() -> dict[str, Path]:
    """Name -> folder of every shipped suite."""
    return {path.parent.name: path.parent for path in sorted(suites_folder().glob("*/suite.yaml"))}


def quickstart_file() -> Path:
    """The project file that `evalkit run` takes without arguments."""
    return suites_folder() / "quickstart.yaml"


def weights_folder(name: str) -> Path:
    """Folder of one of `MODELS`."""
    return _PACKAGE / "weights" / name
