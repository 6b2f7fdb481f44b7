from __future__ import annotations

import codecs
import gzip
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.data import Row, read_rows
from evalkit.data.readers import text as text_reader
from evalkit.errors import DataError, UsageError

# Texts that type inference would turn into something else.
TRICKY = ["001", "NA", "null", "1.0", "", "true", "2024-01-01", "-0", "1e5", " x ", "None", '"a"']

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
table = st.lists(st.tuples(any_text, any_text), min_size=1, max_size=5)
on_disk = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def values(path: Path) -> list[dict[str, object]]:
    return [row.values for row in read_rows(path)]


def problems(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        list(read_rows(path))
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()[1:]


def write_jsonl(path: Path, rows: list[dict[str, str]]) -> Path:
    path = path / "t.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    return path


def write_json(path: Path, rows: list[dict[str, str]]) -> Path:
    path = path / "t.json"
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return path


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    return _delimited(path / "t.csv", rows, ",")


def write_tsv(path: Path, rows: list[dict[str, str]]) -> Path:
    return _delimited(path / "t.tsv", rows, "\t")


def _delimited(path: Path, rows: list[dict[str, str]], mark: str) -> Path:
    """RFC 4180 by hand, so that the reader isn't tested against its own library."""

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    records = [list(rows[0]), *(list(row.values()) for row in rows)]
    text = "".join(mark.join(map(quoted, record)) + "\r\n" for record in records)
    path.write_bytes(text.encode())
    return path


def write_parquet(path: Path, rows: list[dict[str, str]]) -> Path:
    path = path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def write_xlsx(path: Path, rows: list[dict[str, str]]) -> Path:
    path = path / "t.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, record in enumerate([list(rows[0]), *(list(row.values()) for row in rows)], 1):
        for column, text in enumerate(record, 1):
            cell = sheet.cell(number, column)
            cell.value = text
            cell.data_type = "s"  # text, whatever it looks like
    book.save(path)
    return path


WRITERS = [write_jsonl, write_json, write_csv, write_tsv, write_parquet]


@pytest.mark.parametrize("write", [*WRITERS, write_xlsx])
def test_text_stays_what_it_is(write: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"prompt": text, "completion": "x"} for text in TRICKY]
    assert values(write(tmp_path, rows)) == rows


@pytest.mark.parametrize("write", WRITERS)
@given(table)
@on_disk
def test_any_text_comes_back_equal(
    write: Callable[..., Path], tmp_path: Path, pairs: list[tuple[str, str]]
) -> None:
    rows = [{"prompt": a, "completion": b} for a, b in pairs]
    assert values(write(tmp_path, rows)) == rows


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20)))
@on_disk
def test_any_printable_text_comes_back_from_a_workbook(tmp_path: Path, texts: list[str]) -> None:
    # The format has no way to hold control characters, and openpyxl reads `x005F_` as an escape.
    rows = [{"prompt": text, "completion": "x"} for text in ["head", *texts]]
    if not any("x005F_" in text or "_x000D_" in text for text in texts):
        assert values(write_xlsx(tmp_path, rows)) == rows


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "a.jsonl",
            ['{"prompt": "é", "completion": "中"}', "", '{"prompt": "b", "completion": ""}'],
        ),
        (
            "a.json",
            ['[{"prompt": "é", "completion": "中"},', "", '{"prompt": "b", "completion": ""}]'],
        ),
        ("a.csv", ["prompt,completion", "é,中", "", "b,"]),
        ("a.tsv", ["prompt\tcompletion", "é\t中", "", "b\t"]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_line_ends(
    name: str,
    lines: list[str],
    encoding: str,
    mark: bytes,
    end: str,
    *,
    packed: bool,
    tmp_path: Path,
) -> None:
    content = mark + end.join([*lines, ""]).encode(encoding)
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    expected = [{"prompt": "é", "completion": "中"}, {"prompt": "b", "completion": ""}]
    assert values(path) == expected


def test_line_numbers_count_blank_lines_and_quoted_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'prompt,completion\n"one\ntwo",x\n\n\nb,y\n"c\r\n\r\nd",z\ne,f\n')
    assert [(row.line, row.values["prompt"]) for row in read_rows(path)] == [
        (2, "one\ntwo"), (6, "b"), (7, "c\r\n\r\nd"), (10, "e"),
    ]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"a": 1}\n \n{"a": 2}\n', encoding="utf-8")
    assert [row.where.split(":")[-1] for row in read_rows(path)] == ["2", "4"]
    path = tmp_path / "a.json"
    path.write_text('[\n{"a":\n 1}, {"a": 2},\n\n{"a": 3}\n]\n', encoding="utf-8")
    assert [row.line for row in read_rows(path)] == [2, 3, 5]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_spreadsheets_own_separator_is_read(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"prompt{mark}completion\na, b{mark}c\n", encoding="utf-8")
    assert values(path) == [{"prompt": "a, b", "completion": "c"}]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{", "broken JSON (expecting property name enclosed in double quotes at character 2)"),
        ('{"a": 1} x', "more text after the JSON value, from character 9"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' twice in one object"),
        ('{"a": NaN}', "NaN, which JSON does not know"),
        ('{"a": -Infinity}', "-Infinity, which JSON does not know"),
        ('{"a": 1e999}', "the number 1e999, too large for a float"),
        ('{"a": ' + "9" * 5000 + "}", "an integer of more than 4,300 digits"),
        ('{"a": ' + "[" * 65 + "]" * 65 + "}", "JSON nested deeper than 64 levels"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "JSON nested deeper than 64 levels"),
        ('{"a": ' * 100_000, "JSON nested deeper than 64 levels"),
        ('{"a": "\\ud83d"}', "half of a surrogate pair, U+D83D"),
        ('{"\\uDE00": 1}', "half of a surrogate pair, U+DE00"),
        ('["a"]', "a list of 1"),
        ('"text"', "the text 'text'"),
        ("3", "the number 3"),
        ("null", "null"),
        ("true", "true"),
    ],
)
def test_hostile_json_is_named(line: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n', encoding="utf-8")
    assert problems(path)[0].startswith(
        f"a.jsonl:2: found {found}, expected one JSON object a line"
    )
    path = tmp_path / "a.json"
    path.write_text(f'[{{"a": 1}},\n{line}\n,{{"a": 2}}]', encoding="utf-8")
    assert problems(path)[0].startswith("a.json:2: found ")


def test_what_json_allows_is_read(tmp_path: Path) -> None:
    deep = "[" * 62 + "]" * 62
    many = ",".join(["{}"] * 100)
    path = tmp_path / "a.jsonl"
    path.write_text(
        f'{{"a": {deep}}}\n{{"a": [{many}]}}\n{{"a": "\\ud83d\\ude00", "b": 1e5}}', encoding="utf-8"
    )
    assert values(path)[2] == {"a": "😀", "b": 100000.0}


def test_every_broken_row_is_reported_and_the_rest_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join('{"a": 1}\n{"a": }\n' for _ in range(30)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(read_rows(path))
    assert caught.value.total == 30
    lines = str(caught.value).splitlines()
    assert len(lines) == 22
    assert lines[20].startswith(f"{path}:40: ")
    assert lines[21] == "... and 10 more"


def test_rows_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": }\n', encoding="utf-8")
    assert next(read_rows(path)) == Row(path, 1, {"a": 1})


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", b'{"a": "x"}\n{"a": "\xe9"}\n{"a": 1}\n{"a": "\xff"}', [
            ":2: found the byte 0xe9 (character 8), not UTF-8",
            ":4: found the byte 0xff (character 8), not UTF-8",
        ]),
        ("a.csv", b"prompt,completion\na,b\nab\xe9,c\n", [
            ":3: found the byte 0xe9 (character 3), not UTF-8"
        ]),
        ("a.json", b'[\n{"a": "\xe9"}]', [":2: found the byte 0xe9 (character 8), not UTF-8"]),
        ("a.jsonl", codecs.BOM_UTF16_LE + '{"a": 1}\n{"a": 2}'.encode("utf-16-le")[:-1], [
            ":2: found bytes that are not UTF-16-LE"
        ]),
        ("a.jsonl", '{"a": 1}'.encode("utf-16-le"), [":1: found zero bytes at the start"]),
        ("a.jsonl.gz", b"{}", [":1: found broken compression (Not a gzipped file"]),
        ("a.jsonl", b"[\n  {}\n]", [
            ":1: found broken JSON (expecting value at character 2)",
            ":3: found broken JSON (expecting value at character 1)",
        ]),
        ("a.json", b'{"data": []}', [":1: found an object with the key data"]),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', [":1: found objects without an array (one a line"]),
        ("a.json", b'[{"a": 1}, 2,\n"x"]', [":1: found the number 2", ":2: found the text 'x'"]),
        ("a.json", b'[{"a": 1}\n{"a": 2}]', [""":2: found '{"a": 2}]' after an element"""]),
        ("a.json", b"[] x", [":1: found more text after the array"]),
        ("a.json", b" ", [":1: found no rows"]),
        ("a.json", b"nope", [":1: found broken JSON (expecting value at character 1)"]),
        ("a.csv", b"prompt,completion\na\n\nb,c,d\n", [
            ":2: found 1 cell, expected 2 cells, as in the header",
            ":4: found 3 cells, expected 2 cells, as in the header",
        ]),
        ("a.csv", b"prompt,,prompt\na,b,c\n", [
            ":1: found no name in column 2 of the header",
            ":1: field 'prompt': found the column twice in the header",
        ]),
        ("a.csv", b'prompt,completion\n"a"b,c\nd,e\n"never closed,\nx,y\n', [
            """:2: found broken quoting (',' expected after '"')""",
            ":4: found broken quoting (unexpected end of data)",
        ]),
        ("a.xlsx", b"no workbook", [": found a broken workbook (BadZipFile)"]),
        ("a.parquet", b"no parquet file", [": found a broken Parquet file (ArrowInvalid)"]),
    ],
)  # fmt: skip
def test_broken_files_are_named(
    name: str, content: bytes, expected: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = problems(path)
    assert len(found) == len(expected)
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(name + start)
        assert ", expected " in problem


def test_truncated_compression_is_named_after_the_rows_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    lines = "".join(f'{{"a": "{hash(str(n))}"}}\n' for n in range(5000))
    path.write_bytes(gzip.compress(lines.encode())[:20_000])
    assert "found broken compression" in problems(path)[-1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.jsonl", "found no such file, expected a data file (.csv, .json, .jsonl,"),
        ("", "found a folder, expected a data file"),
        ("a.jsnl", "found the file ending '.jsnl', expected one of"),
        ("a.jsnl", "did you mean '.jsonl'?"),
        ("plain", "found the file ending ''"),
    ],
)
def test_what_is_no_data_file(name: str, message: str, tmp_path: Path) -> None:
    if name and not name.startswith("no"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        list(read_rows(tmp_path / name))
    assert message in str(caught.value)


def test_long_cells_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'prompt,completion\n"{"x" * 300_000}",y\n', encoding="utf-8")
    assert len(str(values(path)[0]["prompt"])) == 300_000


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    def write(*sheets: list[list[Any]]) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for rows in sheets:
            sheet = book.create_sheet()
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "a.xlsx")
        return tmp_path / "a.xlsx"

    return write


def test_cells_that_are_no_text_become_their_shortest_text(workbook: Callable[..., Path]) -> None:
    import datetime as dt

    cells = [1.0, 0.1, 12, 1e300, True, dt.datetime(2024, 1, 2, 3, 4, tzinfo=None), None, "#N/A"]  # noqa: DTZ001
    path = workbook([["prompt", "completion"], *([cell, "x"] for cell in cells)])
    assert [row["prompt"] for row in values(path)] == [
        "1", "0.1", "12", "1e+300", "TRUE", "2024-01-02T03:04:00", "", "#N/A",
    ]  # fmt: skip


def test_empty_rows_columns_and_sheets_of_a_workbook_are_nothing(
    workbook: Callable[..., Path],
) -> None:
    header = ["prompt", "completion", "", ""]
    path = workbook([[]], [header, [], ["a"], [None, ""], ["b", "c", ""]])
    assert [(row.line, row.values) for row in read_rows(path)] == [
        (3, {"prompt": "a", "completion": ""}),
        (5, {"prompt": "b", "completion": "c"}),
    ]
    assert values(workbook([[]])) == []


def test_workbooks_that_would_lose_something(workbook: Callable[..., Path]) -> None:
    rows = [["prompt", "completion"], ["a", "b"]]
    [problem] = problems(workbook(rows, rows))
    assert problem.startswith("a.xlsx: found rows on 2 sheets (Sheet, Sheet1), expected one sheet")
    lost = "found a formula without a saved result, expected its value as text"
    assert problems(workbook([*rows, ["=1+1", "=A1"], ["c", "d", "e"]])) == [
        f"a.xlsx:3: field 'prompt': {lost}",
        f"a.xlsx:3: field 'completion': {lost}",
        "a.xlsx:4: found 3 cells, expected 2, as in the header",
    ]
    assert problems(workbook([["prompt", None, "x"], ["a", "b", "c"]])) == [
        "a.xlsx:1: found no name in column 2 of the header, expected a name"
    ]


def test_parquet_types_become_what_json_could_hold(tmp_path: Path) -> None:
    import datetime as dt
    import decimal

    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table(
            {
                "when": pa.array([dt.date(2024, 1, 2)]),
                "price": pa.array([decimal.Decimal("1.10")]),
                "n": pa.array([7]),
                "messages": pa.array([[{"role": "user", "content": "é"}]]),
                "map": pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
                "none": pa.array([None], pa.string()),
            }
        ),
        path,
    )
    assert values(path) == [
        {
            "when": "2024-01-02",
            "price": "1.10",
            "n": 7,
            "messages": [{"role": "user", "content": "é"}],
            "map": {"k": "v"},
            "none": None,
        }
    ]


def test_parquet_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"prompt": pa.array([b"\xff", None])}), path)
    assert problems(path) == [
        "a.parquet:1: found a value of type bytes, expected text, numbers, lists or objects"
    ]
    pq.write_table(pa.table([pa.array(["a"]), pa.array(["b"])], names=["x", "x"]), path)
    assert problems(path) == [
        "a.parquet: field 'x': found the column twice in the header, expected one column of a name"
    ]


@pytest.mark.parametrize(("name", "module"), [("a.xlsx", "openpyxl"), ("a.parquet", "pyarrow")])
def test_a_missing_extra_is_named(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"needs {module}: pip install {module}"):
        list(read_rows(tmp_path / name))


def test_third_parties_read_other_endings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "other-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: other\nVersion: 1\n", encoding="utf-8")
    (package / "entry_points.txt").write_text(
        "[evalkit.readers]\ntxt = other_reader:read\n", encoding="utf-8"
    )
    (tmp_path / "site" / "other_reader.py").write_text(
        "from evalkit.data import Row\n\n\ndef read(path):\n"
        "    for number, line in enumerate(path.read_text().split(), 1):\n"
        "        yield Row(path, number, {'prompt': line})\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr("evalkit.data.readers.registry._READERS", {})
    path = tmp_path / "a.txt"
    path.write_text("one two", encoding="utf-8")
    assert values(path) == [{"prompt": "one"}, {"prompt": "two"}]


def test_a_whole_number_written_with_a_point_is_whole(
    workbook: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "b.xlsx"
    with (
        zipfile.ZipFile(workbook([["prompt"], [7]])) as old,
        zipfile.ZipFile(path, "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>7</v>", b"<v>7.0</v>"))
    assert values(path) == [{"prompt": "7"}]


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> BinaryIO:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "rows.jsonl"
    path.write_text("{}")
    monkeypatch.setattr(text_reader, "_open", refuse)
    with pytest.raises(UsageError, match=r"rows\.jsonl: cannot be read: Permission denied"):
        list(read_rows(path))
