from __future__ import annotations

import asyncio
import dataclasses
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CacheError
from evalkit.runner import cache_key
from evalkit.runner.cache import FILE, Cache
from evalkit.schema import Answer, Generation, Message, Request
from tests.runner.asking import InProcess

REQUEST = Request("s", "test", "1", "p", (Message("user", "hi"),), Generation())

GENERATIONS = st.builds(
    Generation,
    temperature=st.sampled_from([0, 0.0, 0.5, 1]),
    top_p=st.sampled_from([0.5, 1, 1.0]),
    top_k=st.sampled_from([None, 1, 40]),
    max_tokens=st.sampled_from([1, 16, 256]),
    stop=st.sampled_from([(), ("\n",), ("\n", "END"), ("\nEND",)]),
    seed=st.sampled_from([None, 0, 1]),
)
MESSAGES = st.lists(
    st.builds(
        Message, st.sampled_from(["user", "system"]), st.sampled_from(["", "a", "b", "a\n\nb"])
    ),
    min_size=1,
    max_size=3,
).map(tuple)


ASKED = st.tuples(
    st.sampled_from(["http://a/v1", "http://b/v1"]),
    st.sampled_from(["chat:base", "chat:tuned", "completions:base"]),
    MESSAGES,
    GENERATIONS,
    st.sampled_from([0, 1]),
    st.sampled_from([None, "", "Lima", "Quito"]),
    st.sampled_from([None, "{}"]),
    st.sampled_from([None, "low"]),
)


def key(asked: tuple[Any, ...], place: str = "1") -> str:
    endpoint, identity, messages, generation, repeat, *rest = asked
    request = Request("s", "test", place, "p", messages, generation, *rest)
    return cache_key(InProcess(endpoint, identity), request, repeat)


@given(ASKED, ASKED)
def test_keys_are_equal_exactly_when_the_questions_are(one: Any, other: Any) -> None:
    assert (key(one) == key(other)) == (one == other)


@given(ASKED)
def test_a_key_is_of_the_question_not_of_its_place(asked: Any) -> None:
    assert key(asked, "1") == key(asked, "2")


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Generation)])
def test_every_decoding_parameter_is_part_of_the_key(name: str) -> None:
    """A parameter added later must change the key too: this test knows none by name."""
    default = getattr(Generation(), name)
    other: Any = ("x",) if default == () else 7
    assert other != default
    generation = dataclasses.replace(Generation(), **{name: other})
    changed = dataclasses.replace(REQUEST, generation=generation)
    provider = InProcess("e", "m")
    assert cache_key(provider, changed) != cache_key(provider, REQUEST)


def test_a_key_takes_any_text() -> None:
    odd = dataclasses.replace(REQUEST, messages=(Message("user", "\ud800\0"),))
    assert len(cache_key(InProcess("e", "m"), odd)) == 64


ANSWERS = st.builds(
    Answer,
    text=st.text(),
    finish_reason=st.sampled_from(["stop", "length", "odd"]),
    prompt_tokens=st.none() | st.integers(0, 10**9),
    completion_tokens=st.none() | st.integers(0, 10**9),
    served_model=st.none() | st.text(),
    seconds=st.none() | st.floats(0, 1e6),
)


def store(
    folder: Path, answers: dict[str, Answer], notes: list[tuple[str, str]] | None = None
) -> None:
    async def main() -> None:
        with Cache(folder) as cache:
            await cache.put(answers.items(), notes or ())

    asyncio.run(main())


def load(folder: Path, keys: list[str]) -> dict[str, Answer]:
    with Cache(folder) as cache:
        return cache.get(keys)


@settings(max_examples=25)
@given(st.dictionaries(st.text(st.characters(codec="ascii"), min_size=1), ANSWERS, max_size=5))
def test_answers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, Answer]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    store(folder, answers)
    found = load(folder, [*answers, "absent"])
    assert found == answers
    assert [a.seconds for a in found.values()] == [answers[k].seconds for k in found]


def test_what_is_stored_stays(tmp_path: Path) -> None:
    store(tmp_path, {"k": Answer("first")}, [("m", "note")])
    store(tmp_path, {"k": Answer("second")}, [("m", "note"), ("m", "other")])
    assert load(tmp_path, ["k"]) == {"k": Answer("first")}
    with Cache(tmp_path) as cache:
        assert sorted(cache.notes("m")) == ["note", "other"]
        assert cache.notes("n") == []


def test_more_keys_than_one_query_takes(tmp_path: Path) -> None:
    answers = {f"{i:064x}": Answer(str(i)) for i in range(1203)}
    store(tmp_path, answers)
    assert load(tmp_path, list(answers)) == answers


def test_a_new_folder_stays_out_of_version_control(tmp_path: Path) -> None:
    store(tmp_path / "a" / "b", {"k": Answer("x")})
    assert (tmp_path / "a" / "b" / ".gitignore").read_text() == "*\n"
    existing = tmp_path / "mine"
    existing.mkdir()
    store(existing, {"k": Answer("x")})
    assert not (existing / ".gitignore").exists()


def test_waiting_writes_are_committed_together(tmp_path: Path) -> None:
    async def main() -> None:
        with Cache(tmp_path) as cache:
            await asyncio.gather(*(cache.put([(f"k{i}", Answer("x"))]) for i in range(500)))
            assert cache.stored == 500

    asyncio.run(main())
    assert len(load(tmp_path, [f"k{i}" for i in range(500)])) == 500


def test_a_write_whose_caller_is_gone_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        with Cache(tmp_path) as cache:
            task = asyncio.create_task(cache.put([("k", Answer("x"))]))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert load(tmp_path, ["k"]) == {"k": Answer("x")}


SPOILT = {
    "foreign": "CREATE TABLE mine (x)",
    "row": "UPDATE completions SET answer = '{'",
    "fields": """UPDATE completions SET answer = '{"txt": "x"}'""",
    "letters": "UPDATE completions SET answer = CAST(x'ff00fe' AS TEXT)",
}


def break_as(folder: Path, how: str) -> None:
    path = folder / FILE
    if how == "text":
        path.write_text("this is no database, and long enough to be looked at" * 9)
    elif how == "folder":
        path.mkdir()
    elif how == "torn":
        store(folder, {f"{i:05}": Answer("x" * 500) for i in range(200)})
        data = bytearray(path.read_bytes())
        data[4096:20480] = b"\xff" * 16384
        path.write_bytes(bytes(data))
    else:
        if how != "foreign":
            store(folder, {"k": Answer("x")})
        with sqlite3.connect(path) as connection:
            connection.execute(SPOILT[how])
        connection.close()


@pytest.mark.parametrize("how", ["text", "folder", "foreign", "torn", *SPOILT])
def test_a_broken_cache_is_named_and_left_alone(tmp_path: Path, how: str) -> None:
    break_as(tmp_path, how)
    path = tmp_path / FILE
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(
        CacheError, match=r"completions\.sqlite cannot be used: .*--cache"
    ) as caught:
        load(tmp_path, ["k", *(f"{i:05}" for i in range(200))])
    damaged = "it is damaged or not a cache of evalkit; move it away" in str(caught.value)
    assert damaged == (how != "folder")
    if before is not None:
        assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"file.cache.*--cache"):
        Cache(tmp_path / "file" / "cache")


def test_a_read_only_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened as SQLite opens a file it may not write; permissions bind no administrator."""
    store(tmp_path, {})
    (tmp_path / FILE).unlink()
    connect = sqlite3.connect

    def read_only(path: Path, **options: Any) -> sqlite3.Connection:
        connect(path).close()
        connection: sqlite3.Connection = connect(f"file:{path}?mode=ro", uri=True, **options)
        return connection

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(CacheError, match="readonly database"):
        Cache(tmp_path)


FILLER = """
import asyncio, resource, sys
from pathlib import Path
from evalkit.runner.cache import Cache
from evalkit.schema import Answer

async def main(folder):
    with Cache(Path(folder)) as cache:
        await cache.put([("first", Answer("kept"))])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
        for i in range(100):
            await cache.put([(f"{i}", Answer("x" * 10**5))])

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_no_room_for_more_harms_nothing_and_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLER, str(tmp_path)], capture_output=True, text=True, check=False
    )
    *_, said = done.stderr.strip().splitlines()
    assert "CacheError" in said
    assert "what was stored before is safe; make room on the disk or in your quota" in said
    assert load(tmp_path, ["first"]) == {"first": Answer("kept")}


WRITER = """
import asyncio, sys
from pathlib import Path
from evalkit.runner.cache import Cache
from evalkit.schema import Answer

async def main(folder, name):
    for part in range(5):
        with Cache(Path(folder)) as cache:
            for i in range(20):
                keys = [f"{name}-{part}-{i}", f"both-{part}-{i}"]
                await cache.put([(key, Answer(name)) for key in keys])

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_share_a_cache(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    places = [f"{part}-{i}" for part in range(5) for i in range(20)]
    own = load(folder, [f"{name}-{place}" for name in "abc" for place in places])
    assert len(own) == 300
    assert len(load(folder, [f"both-{place}" for place in places])) == 100
