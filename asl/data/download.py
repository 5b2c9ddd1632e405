"""Finding a data set on this machine, or fetching it.

In this order: extracted under data/<name>/; as an archive in a folder that ASL_ARCHIVES names, or
in data/; from Kaggle without an account (kagglehub); from Kaggle with credentials (kaggle). Tables
are read from inside their archive; pictures are extracted to data/<name>/ first (archives.py).
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from asl import files
from asl.data import archives
from asl.data.dataset import Dataset
from asl.errors import AslError, few

ADVICE = {  # what Kaggle refuses with, and what helps
    401: "it does not accept the credentials: make a new token at https://www.kaggle.com/settings "
    "and put it at ~/.kaggle/kaggle.json",
    403: "it wants its rules accepted first: open {source}, sign in and accept them",
    404: "it has no such data set any more",
    429: "it has had too many requests: wait some minutes and try again",
}


def find(dataset: Dataset) -> Path | None:
    """The folder or the archive that holds the data set on this machine, or None.

    Of several it is the first that is whole or, if none is, the one that holds most; a line says
    what was passed over. An archive that is the only one is given unopened: reading it tells what
    is wrong with it.
    """
    named = [file for file in _archives(dataset) if not _is_any_set(file)]
    found = _look(dataset, named)
    while usable := [each for each in found if each.is_usable]:
        best = max(usable, key=lambda each: each.count)  # the first of equals
        if best.is_certain or len(usable) == 1:
            _tell_passed_over(dataset, found, best)
            return best.place
        found[found.index(best)] = archives.survey(dataset, best.place, thorough=True)
    return named[0] if named else None


def _look(dataset: Dataset, named: list[Path]) -> list[archives.Survey]:
    """What there is in data/<name>/ and in archives, in the order in which it is looked for; no
    archive is opened without need.
    """
    folder = files.DATA / dataset.name
    found = [archives.survey(dataset, folder)] if folder.is_dir() else []
    if found and found[0].is_certain and not found[0].flaw:
        return found
    there = _archives(dataset)
    if there and there == named[:1] and (not found or found[0].flaw == archives.NOTHING):
        return [archives.Survey(there[0], 0, "", is_usable=True)]
    found += [archives.survey(dataset, archive) for archive in there]
    return [
        each
        for each in found
        if each.flaw != archives.NOTHING
        or each.place in named  # a folder or archive.zip may be any
    ]


def _tell_passed_over(
    dataset: Dataset, found: list[archives.Survey], best: archives.Survey
) -> None:
    others = found if best.flaw else found[: found.index(best)]
    passed = [_with_flaw(each) for each in others if each is not best]
    if passed:
        print(f"{dataset.name}: {files.shown(best.place)} is used; passed over: {few(passed)}")


def _with_flaw(each: archives.Survey) -> str:
    return f"{files.shown(each.place)} ({each.flaw or f'holds {each.count:,} pictures'})"


def _archives(dataset: Dataset) -> list[Path]:
    """Files that may be the data set's archive: under one of its names, with the suffix of zip or
    of tar, and numbered, as browsers save a second download: archive (1).zip.
    """
    names = [
        name.lower().removesuffix(".zip") + suffix
        for name in dataset.archives
        for suffix in archives.SUFFIXES
    ]
    found = []
    for place in files.archive_folders():
        with suppress(OSError):  # a folder that is not there is named if nothing is found
            there = [
                (_plain_name(file), file) for file in sorted(place.iterdir()) if file.is_file()
            ]
            chosen = [
                (names.index(name), len(file.name), file) for name, file in there if name in names
            ]
            found += [file for _, _, file in sorted(chosen)]
    return found


def _plain_name(file: Path) -> str:
    return re.sub(r" ?\(\d+\)(?=\.)", "", file.name.lower())


def _is_any_set(file: Path) -> bool:
    """Whether it is called what Kaggle's web page calls every download."""
    return _plain_name(file).startswith("archive.")


def fetch(dataset: Dataset) -> Path:
    """Download the data set from Kaggle; give the folder or archive.

    Raises AslError that says what was tried and where to put the archive by hand.
    """
    refusals = []
    ways = (("without an account", _kagglehub), ("with credentials", _kaggle))
    for way, get in ways if dataset.kaggle else ():
        print(f"{dataset.name}: fetching {dataset.kaggle} from Kaggle {way} …")
        try:
            return get(dataset)
        except (Exception, SystemExit) as error:  # kaggle may end the program
            refusals.append(f"{way}: {_reason(error, dataset)}")
    tried = f" and Kaggle gave nothing ({'; '.join(refusals)})" if refusals else ""
    raise AslError(
        f"{dataset.title} is not on this machine{tried}.{_notes(dataset)}\n"
        f"Download it in a browser from {dataset.source} and put the archive at "
        f"{files.shown(files.DATA / dataset.archives[0])} (or extracted into "
        f"{files.shown(files.DATA / dataset.name)}/, or name the folder it lies in with the "
        "environment variable ASL_ARCHIVES). Data set sample needs no download."
    )


def _notes(dataset: Dataset) -> str:
    """What was found and could not be used, and variables that name no folder."""
    passed = [_with_flaw(each) for each in _look(dataset, [])]
    notes = f" Passed over: {few(passed)}." if passed else ""
    for variable in ("ASL_ARCHIVES", "KAGGLE_CONFIG_DIR")[: 2 if dataset.kaggle else 1]:
        named = os.environ.get(variable, "").split(os.pathsep)
        absent = [each for each in named if each and not _is_open(each)]
        if absent:
            notes += f" {variable} names {few(absent)}: no folder that can be read."
    return notes


def _is_open(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def _kagglehub(dataset: Dataset) -> Path:
    import kagglehub  # takes a second to import, and only a download needs it

    folder = Path(kagglehub.dataset_download(dataset.kaggle))
    found = archives.survey(dataset, folder, thorough=True)
    if not found.is_usable:
        lacking = ", ".join(dataset.files) or dataset.layout
        raise AslError(f"the download lacks {lacking}; delete {folder} and try again")
    if found.flaw:
        print(
            f"{dataset.name}: {folder} {found.flaw}. If this was more once, delete that folder, so "
            "that it is fetched again."
        )
    return folder


def _kaggle(dataset: Dataset) -> Path:
    config = os.environ.get("KAGGLE_CONFIG_DIR")
    home = Path(config or Path.home() / ".kaggle")
    given = {"KAGGLE_API_TOKEN", "KAGGLE_KEY"} & os.environ.keys()
    if not (given or (home / "kaggle.json").is_file() or (home / "access_token").is_file()):
        also = f", or in KAGGLE_CONFIG_DIR, which is {config}" if config else ""
        raise AslError(f"there are none (~/.kaggle/kaggle.json{also})")

    import kaggle  # logs in, and ends the program with a page of help if it cannot

    # The folder stays after a broken download, and the next one goes on with what is there
    folder = files.DATA / f".download-{dataset.name}"
    kaggle.api.dataset_download_files(dataset.kaggle, path=str(folder), quiet=False)
    came = sorted(folder.glob("*.zip"))
    found = archives.survey(dataset, came[0]) if len(came) == 1 else None
    if found is None or not found.is_usable:
        flaw = f"what came {found.flaw}" if found else f"{len(came)} archives came instead of one"
        raise AslError(f"{flaw}; delete {files.shown(folder)} and try again")
    archive = came[0].replace(files.DATA / dataset.archives[0])
    shutil.rmtree(folder)
    return archive


def _reason(error: BaseException, dataset: Dataset) -> str:
    """What went wrong and what to do, in a line; the clients' own messages fill a page."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in ADVICE:
        return f"{status}, {ADVICE[status].format(source=dataset.source)}"
    if "Max retries exceeded" in str(error) or type(error).__name__.endswith("Timeout"):
        return "no connection"
    return next(iter(str(error).strip().splitlines()), "")[:160] or type(error).__name__
