"""Draw the README's picture, notebooks/hands.png: the 24 letters as asl.hands draws them."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from asl import hands, paths, plots

letters = [hands.draw_hand(letter, signer=3, size=112, plain=True) for letter in hands.LETTERS]
figure = plots.image_grid(letters, hands.LETTERS, columns=12)
with paths.write_beside(REPOSITORY / "notebooks" / "hands.png") as temporary:
    figure.savefig(temporary, dpi=100)
