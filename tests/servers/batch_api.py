"""The Batch API of the test server: `/v1/files` and `/v1/batches`, as OpenAI documents them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]
"""(path, body of a request) -> body of its reply."""

Fate = Callable[[dict[str, Any]], str | None]
"""A line of a file of requests -> what becomes of it, by name (see `Desk`); None answers it."""

LIMIT = 50_000


@dataclass
class Desk:
    """What the server does with batches.

    The fates of a line: `400`, `404`, `429` and `500` fail it with that status, `expired` never
    runs it, `lost` leaves it out of every file, `garbage` spoils its line, `twice` answers it two
    times, `stranger` adds a result that nobody asked for.

    Attributes:
        fate: what becomes of each line.
        ends: batch number, from 1 -> the status it ends in; `queue-full` refuses the whole batch
            with OpenAI's code for it, `invalid` for a mistake in it, `file-unknown` because it does
            not find the file.
        looks: how often a batch is asked after before it has ended; the requests done grow with it.
        troubles: what goes wrong with calls of the API itself, in order: `404`, `500`, `429`,
            `file-unknown`, or one that says that all is well: `page`, `nothing`, `error`, `half`
            and `no-id`; `hang` never answers. After `made-` the call does what was asked. None is
            a good one.
        trouble_with: the only call that is troubled; empty for all.
        seed: of the order of results.
        files: id -> content.
        batches: id -> batch, in order of making.
        requests: every line that was run, in order.
    """

    fate: Fate = lambda _: None
    ends: Callable[[int], str] = lambda _: "completed"
    looks: int = 2
    troubles: Iterator[str | None] = field(default_factory=lambda: iter(()))
    trouble_with: str = ""
    seed: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def add_to(self, app: web.Application, answer: Answer) -> None:
        """Serve the API, its lines answered by the rest of the server."""
        self._answer = answer
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._look)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        part = form["file"]
        assert isinstance(part, web.FileField)
        assert form["purpose"] == "batch"
        with part.file as file:
            content = file.read()
        number = f"file-{len(self.files) + 1}"

        def make() -> web.Response:
            self.files[number] = content
            return web.json_response(
                {"id": number, "object": "file", "bytes": len(content), "filename": part.filename}
            )

        return await self._troubled("upload", make)

    async def _content(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in self.files:
            return _error(404, f"No such File object: {name}")
        return await self._troubled("content", lambda: web.Response(body=self.files[name]))

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["input_file_id"] not in self.files:
            return _error(400, f"Invalid input file {asked['input_file_id']}")
        assert asked["completion_window"] == "24h"

        def make() -> web.Response:
            number = f"batch-{len(self.batches) + 1}"
            content = self.files[asked["input_file_id"]]
            self.batches[number] = {
                "id": number, "object": "batch", "endpoint": asked["endpoint"], "errors": None,
                "input_file_id": asked["input_file_id"], "completion_window": "24h",
                "status": "validating", "metadata": asked.get("metadata"), "created_at": 0,
                "request_counts": {"total": content.count(b"\n"), "completed": 0, "failed": 0},
                "looks": 0,
            }  # fmt: skip
            return web.json_response(self.batches[number])

        return await self._troubled("create", make)

    async def _list(self, request: web.Request) -> web.Response:
        newest = list(reversed(self.batches.values()))
        if after := request.query.get("after"):
            newest = newest[[batch["id"] for batch in newest].index(after) + 1 :]
        page = newest[: int(request.query.get("limit", "20"))]
        listed = {"object": "list", "data": page, "has_more": len(newest) > len(page)}
        return await self._troubled("list", lambda: web.json_response(listed))

    async def _look(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return _error(404, f"No batch found with id {request.match_info['id']!r}")
        if batch["status"] in {"validating", "in_progress"}:
            batch["looks"] += 1
            total = batch["request_counts"]["total"]
            batch["status"] = "in_progress"
            batch["request_counts"]["completed"] = total * (batch["looks"] - 1) // self.looks
            if batch["looks"] >= self.looks:
                self._end(batch)
        return await self._troubled("look", lambda: web.json_response(batch))

    async def _troubled(self, call: str, make: Callable[[], web.Response]) -> web.Response:
        """A good reply, or the trouble that is due."""
        self.calls.append(call)
        trouble = next(self.troubles, None) if self.trouble_with in {"", call} else None
        if trouble is None:
            return make()
        made = b""
        if trouble.startswith("made-") or trouble in {"half", "no-id"}:
            reply = make().body
            assert isinstance(reply, bytes)
            made = reply
        kind = trouble.removeprefix("made-")
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind == "half":
            return web.Response(body=made[: len(made) // 2])
        if kind == "no-id":
            return web.json_response({**json.loads(made), "id": None})
        if kind in _PAGES:
            return web.Response(text=_PAGES[kind])
        if kind == "file-unknown":
            return _error(400, _REFUSALS[kind]["message"])
        return _error(int(kind), "trouble")

    def _end(self, batch: dict[str, Any]) -> None:
        end = self.ends(int(batch["id"].removeprefix("batch-")))
        content = self.files[batch["input_file_id"]]
        batch["status"] = "failed" if end in _REFUSALS else end
        if batch["status"] == "failed":
            batch["request_counts"]["completed"] = 0
            batch["errors"] = {"object": "list", "data": [_REFUSALS[end]]}
            return
        assert content.count(b"\n") <= LIMIT
        lines = [json.loads(line) for line in content.splitlines()]
        assert len({line["custom_id"] for line in lines}) == len(lines)
        assert {line["url"] for line in lines} == {batch["endpoint"]}
        assert len({line["body"]["model"] for line in lines}) == 1
        good, bad = self._run(lines)
        for name, results in (("output", good), ("error", bad)):
            if results:
                random.Random(self.seed).shuffle(results)
                number = f"{batch['id']}-{name}"
                self.files[number] = b"\n".join(results) + b"\n"
                batch[f"{name}_file_id"] = number
        batch["request_counts"].update(completed=len(good), failed=len(lines) - len(good))

    def _run(self, lines: list[dict[str, Any]]) -> tuple[list[bytes], list[bytes]]:
        """Lines of the output file and of the error file."""
        good: list[bytes] = []
        bad: list[bytes] = []
        for line in lines:
            fate = self.fate(line)
            if fate == "expired":
                error = {"code": "batch_expired", "message": "the window closed"}
                bad.append(_result(line, None, error))
            elif fate == "garbage":
                good.append(b'{"custom_id": "' + line["custom_id"].encode()[:20])
            elif fate is not None and fate.isdigit():
                failed = {"status_code": int(fate), "body": {"error": {"message": _SAID[fate]}}}
                bad.append(_result(line, failed, None))
            elif fate != "lost":
                self.requests.append(line)
                body = self._answer(line["url"], line["body"])
                result = _result(line, {"status_code": 200, "body": body}, None)
                good += [result] * (2 if fate == "twice" else 1)
                if fate == "stranger":
                    good.append(_result({"custom_id": "f" * 64}, {"status_code": 200}, None))
        return good, bad


_SAID = {
    "400": "This model's maximum context length is exceeded.",
    "404": "The model does not exist.",
    "429": "slow down",
    "500": "oops",
}

_REFUSALS: dict[str, dict[str, Any]] = {
    "queue-full": {
        "code": "token_limit_exceeded", "line": None, "param": None,
        "message": "Enqueued token limit reached for this model.",
    },
    "invalid": {
        "code": "invalid_json_line", "line": 3, "param": None,
        "message": "This line is not parseable as valid JSON.",
    },
    "file-unknown": {
        "code": "invalid_request", "line": None, "param": "file_id",
        "message": "Cannot find file file-1, or organization org-1 does not have access to it.",
    },
}  # fmt: skip


_PAGES = {"page": "<html>one moment</html>", "nothing": "", "error": '{"error": {"message": "x"}}'}


def _result(line: dict[str, Any], response: object, error: object) -> bytes:
    return json.dumps(
        {"id": "r", "custom_id": line["custom_id"], "response": response, "error": error}
    ).encode()


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": None}}, status=status)
