"""Files dropped on a page: their names and contents are somebody else's."""

from __future__ import annotations

import io
import zipfile

import pytest

from engine.core.errors import DataError
from engine.core.settings import Settings
from engine.data import inbox

CSV = b"time,open,high,low,close\n2024-03-04 14:30,1,2,0.5,1.5\n"


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "home")


def zipped(**entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("bars.csv", "bars.csv"),
        ("../../../etc/cron.d/bars.csv", "bars.csv"),
        (r"..\..\windows\bars.csv", "bars.csv"),
        ("C:bars.csv", "bars.csv"),
        ("bars\0\n;rm -rf ~.csv", "bars_rm_-rf_.csv"),
        (".hidden.csv.gz", "hidden.csv.gz"),
        ("nul.csv", "_nul.csv"),
        ("x" * 300 + ".csv", "x" * 76 + ".csv"),
    ],
)
def test_a_name_from_outside_stays_inside_the_inbox(settings, name, kept):
    path = inbox.keep(settings, name, CSV)
    assert path.name == kept
    assert path.parent.parent == settings.inbox
    assert path.read_bytes() == CSV


def test_the_same_content_lies_there_once(settings):
    assert inbox.keep(settings, "bars.csv", CSV) == inbox.keep(settings, "bars.csv", CSV)
    assert len(list(settings.inbox.iterdir())) == 1


@pytest.mark.parametrize("name", ["bars.exe", "bars", "bars.csv.exe", "", "..", ".csv/"])
def test_other_files_are_refused(settings, name):
    with pytest.raises(DataError, match="not a file that can be dropped"):
        inbox.keep(settings, name, CSV)


def test_an_empty_file_is_refused(settings):
    with pytest.raises(DataError, match="empty file"):
        inbox.keep(settings, "bars.csv", b"")


def test_a_zip_of_csv_files_becomes_their_folder(settings):
    folder = inbox.keep(settings, "bars.zip", zipped(**{"a.csv": CSV, "b.csv": CSV}))
    assert sorted(path.name for path in folder.glob("*.csv")) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    "entries",
    [
        {"../a.csv": CSV},
        {"sub/a.csv": CSV},
        {"a.exe": CSV},
        {"a.csv": b"0" * (32 << 20)},  # compresses to nothing
        {"a.csv": b"\0\1\2"},
        {"a.csv": b""},
    ],
)
def test_a_zip_of_tricks_is_refused_and_leaves_nothing(settings, entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(DataError):
        inbox.keep(settings, "bars.zip", packed.getvalue())
    assert list(settings.inbox.iterdir()) == []


def test_what_was_imported_is_removed_and_nothing_else(settings, tmp_path):
    path = inbox.keep(settings, "bars.csv", CSV)
    folder = inbox.keep(settings, "bars.zip", zipped(**{"a.csv": CSV}))
    outside = tmp_path / "outside" / "bars.csv"
    outside.parent.mkdir()
    outside.write_bytes(CSV)
    for one in (path, folder, outside, settings.inbox, settings.inbox / ".." / "outside" / "bars.csv"):
        inbox.discard(settings, one)
    assert list(settings.inbox.iterdir()) == []
    assert outside.exists()
