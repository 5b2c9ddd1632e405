"""Finding a data set on this machine, or fetching it.

In this order: extracted under data/<name>/; as an archive in a folder that ASL_ARCHIVES names, or
in data/; from Kaggle without an account (kagglehub); from Kaggle with credentials (kaggle). Tables
are read from inside their archive; pictures are extracted to data/<name>/ first (archives.py).
"""

import os
import shutil
from pathlib import Path

from asl import files
from asl.data import archives
from asl.data.dataset import Dataset
from asl.errors import AslError

ADVICE = {  # what Kaggle refuses with, and what helps
    401: "it does not accept the credentials: make a new token at https://www.kaggle.com/settings "
    "and put it at ~/.kaggle/kaggle.json",
    403: "it wants its rules accepted first: open {source}, sign in and accept them",
    404: "it has no such data set any more",
    429: "it has had too many requests: wait some minutes and try again",
}


def find(dataset: Dataset) -> Path | None:
    """The folder or the archive that holds the data set on this machine, or None."""
    folder = files.DATA / dataset.name
    if archives.is_in(dataset, folder):
        return folder
    for place in files.archive_folders():
        for name in dataset.archives:
            archive = place / name
            # archive.zip is what Kaggle's web page calls every download: look inside
            if archive.is_file() and (name != "archive.zip" or archives.holds(archive, dataset)):
                return archive
    return None


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
        f"{dataset.title} is not on this machine{tried}.\n"
        f"Download it in a browser from {dataset.source} and put the archive at "
        f"{files.shown(files.DATA / dataset.archives[0])} (or extracted into "
        f"{files.shown(files.DATA / dataset.name)}/, or name the folder it lies in with the "
        "environment variable ASL_ARCHIVES). Data set sample needs no download."
    )


def _kagglehub(dataset: Dataset) -> Path:
    import kagglehub  # takes a second to import, and only a download needs it

    folder = Path(kagglehub.dataset_download(dataset.kaggle))
    if not archives.is_in(dataset, folder):
        lacking = ", ".join(dataset.files) or dataset.layout
        raise AslError(f"the download lacks {lacking}; delete {folder} and try again")
    return folder


def _kaggle(dataset: Dataset) -> Path:
    home = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    given = {"KAGGLE_API_TOKEN", "KAGGLE_KEY"} & os.environ.keys()
    if not (given or (home / "kaggle.json").is_file() or (home / "access_token").is_file()):
        raise AslError("there are none (~/.kaggle/kaggle.json)")

    import kaggle  # logs in, and ends the program with a page of help if it cannot

    # The folder stays after a broken download, and the next one goes on with what is there
    folder = files.DATA / f".download-{dataset.name}"
    kaggle.api.dataset_download_files(dataset.kaggle, path=str(folder), quiet=False)
    (downloaded,) = folder.glob("*.zip")
    archive = downloaded.replace(files.DATA / dataset.archives[0])
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
