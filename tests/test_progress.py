"""How a training tells of its epochs: a line each, or one line for several trainings."""

import pytest

from asl import EpochLog, short_progress

FIGURES = {"loss": 2.0, "accuracy": 0.25, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 0.1}


@pytest.fixture
def log():
    log = EpochLog()
    log.set_params({"epochs": 12})
    return log


def test_a_line_each(log, capsys):
    log.tell(0, FIGURES, True)
    log.tell(1, FIGURES, False)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch   1/12  loss 2.0000  accuracy 0.2500  val_loss 1.0000")
    assert first.endswith("0.1 s  best so far") and second.startswith("epoch   2/12")


def test_one_line_that_is_gone_at_the_end(log, capsys):
    with short_progress():
        log.tell(0, FIGURES, True)
        log.tell(10, FIGURES, True)
    printed = capsys.readouterr().out
    assert "\n" not in printed
    _, first, second, blanks, after = printed.split("\r")
    assert (first, second) == (
        "epoch   1/12  val_accuracy 0.5000",
        "epoch  11/12  val_accuracy 0.5000",
    )
    assert blanks == " " * len(second) and after == ""
    log.tell(0, FIGURES, True)
    assert capsys.readouterr().out.endswith("best so far\n")


def test_it_ends_with_an_error_as_well(log, capsys):
    with pytest.raises(KeyError), short_progress():
        raise KeyError
    log.tell(0, FIGURES, True)
    assert capsys.readouterr().out.endswith("best so far\n")
