from __future__ import annotations

from evalkit.pipeline.warnings import judging_warnings
from evalkit.schema import Usage


def test_what_was_said_of_failures_ends_in_one_full_stop() -> None:
    said = {"refused": "the server answered 400: too long.", "server": "it broke off (abort)"}
    used = Usage(
        "judge:j", 9, 3, 0, 0, 0, 0, (), failures={"refused": 2, "server": 1}, reasons=said
    )
    (warning,) = judging_warnings([used])
    assert warning.endswith(
        " refused: the server answered 400: too long. server: it broke off (abort)."
    )
