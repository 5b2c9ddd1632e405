"""Draw the README's picture, notebooks/hands.png: the 24 letters as they are rendered."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from asl import files, plots
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand

letters = [draw_hand(letter, signer=3, size=112, plain=True) for letter in LETTERS]
figure = plots.image_grid(letters, LETTERS, columns=12)
with files.write_beside(REPOSITORY / "notebooks" / "hands.png") as temporary:
    figure.savefig(temporary, dpi=100)
