"""How a hand holds each sign: joint angles; and the measures of the average hand.

A letter's first row is made without the images of any data set: angles start from what textbooks
say, are fitted to single hands of the landmark rows (asl.data.landmark_sets) in two or three
dimensions, and of these hands the one is kept that looks right when it is drawn and is read by a
network that learned from landmark rows alone, after the detector of asl.landmarks found it in the
drawing. P, S and T were then moved step by step towards what that network reads; the thumbs of G
and T were set by hand first. The reader learns from first rows only.

A second row is another way to hold the letter, for `sample`: half were drawn by eye with images of
`letters` beside them, the others (A, C, D, F, I, K, L, U, V, W, X, Y) fitted to the joints of a
hand, most of these in images of `letters`. Which ones, and how often (SECOND_SHARE), was chosen so
that joints are read and that networks of `letters` and of `sample` read each other's images.
Digits were drawn by eye.
"""

import numpy as np

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
DIGITS = tuple("0123456789")
NOTHING = "nothing"
SIGNS = (*LETTERS, *DIGITS, NOTHING)  # what can be drawn

# Joint angles in degrees, one or two rows for each sign.
#   thumb: `out` swings its first bone away from the index finger in the plane of the palm, `fwd`
#     lifts it out of that plane, `roll` turns the plane in which it bends (0: across the palm,
#     90: into the palm), `bend` and `tip` bend its two joints;
#   finger: `side` leans it towards the thumb, `base` bends the knuckle, `mid` the middle joint
#     (the last joint follows with two thirds of that);
#   wrist: `bend` towards the palm, `tilt` towards the little finger;
#   view: first `yaw` turns the palm to the image's right, then `pit`ch tips the fingertips away
#     from us, then `roll` turns the image anti-clockwise.
_TABLE = """
   |        thumb        |   index    |   middle   |    ring    |   little   | wrist  |     view
   | out fwd rol ben tip |side bas mid|side bas mid|side bas mid|side bas mid| ben til| yaw pit rol
A  |  27  16   0  13   4 |   5  59  99|  -3  69 106|  -8  71 106| -16  68 105|   0   0|   4   6   2
A  |  46  24  -3  25  40 |  -5  72 102|  -5  84  98|  -7  83  93| -14  76  93|   0   0|   8  16  -3
B  |  20  31  15  58  59 |  -4   6   4|  -3   2   7|  -2   1   8|  -3   2   5|   0   0|  14  -7  -2
B  |  28  36  18  62  73 |  -2  -8   1|   3  -2   9|   5   6   0|   7  -5   0|   1  -8|  -5 -22  -1
C  |  26  62   2  22  28 |  -9  19  27|  -6   7  45|  -2   8  40|  -8  27  15|   0   0|  91   6 -19
C  |  39  54   8  20  19 |  -9  27  35|  -5  18  48|  -1  15  47|  -2  27  26|   0   0|  74  20   0
D  |  32  45   2  30  36 |  -1  15   8|   0  48  88|  -3  57  89| -10  54  85|   0   0|   5  -8   3
D  |  23  46  20  28  26 |   5  20   3|  -8  37  64|  -9  35  62|  -4  32  47|   0   0|   8   3   4
E  |  25  34  -9  65  66 |  -3  42 104| -13  31 111| -15  28 107|  -9  27  80|   0   0|  11  11  -4
E  |   4  51 -12  62  69 |  -3  64 105|  -1  74 112|  -3  69  96|  -2  68 112|  -2   0|  24  26   8
F  |  41  42  13  28  46 |  -3  45  54| -11  10  11| -10   7  11| -14   4   6|   0   0|  26   3 -11
F  |  26  52  15   7  14 |  -1  72  34|  -1  32  23| -14   3  12| -25 -10   0|   0   0|  51   9   8
G  |  35  30   0  20  10 |  10  27  16|  -3  83  63|   2  91  58|  -2  83  69|   0   0| 200 -41 -108
G  |  12  23  17   8   5 |   0  37  10|   0  92 111|   0  87  99|   3  80 103|   0 -28|-171 -33 -73
H  |   9  35   4  30  20 |  -4  35   8|  -7  23  23| -18  59 106| -22  56  89|   0   0| 147 -42 -68
H  |  12  52  19  26  40 |  -1  37   4|   0  31   6|   1  88 102|   0  81  98|  -3 -27|-177 -42 -82
I  |  29  50 -12  47  48 |  -1  62  95|  -5  81 107| -14  73  96| -18  26   0|   0   0|   0  21 -21
I  |  41  53  -6  40  44 |  -3  79  87|  -8  81  90| -16  90  77| -16  34   0|   0   0|   3  13 -21
K  |  10  15   2  14  -2 |  20  19   7|   4  34   5| -18  79  92| -25  71  92|   0   0|   1  12   0
K  |  14  26  -5  26  13 |  20  13   8|  -3  50  32|  -9  84 102| -18  85  96|   0   0| -18  23   5
L  |  54  27   2  -1  -9 |   1  16   1|  -1  83  94|  -5  92  98| -10  90  95|   0   0|  16 -11  -6
L  |  42  23   1   1 -12 |  -5  20   4| -10  73  90| -10  82  84| -17  76  83|   0   0|  13   5  -9
M  |  -4  24   9  45  15 |   7  60  72|  -1  64  82|  -8  55  85| -14  93  64|   0   0|  22   8   6
M  |  14  24  -3  61  66 |  -2  64  80|   0  66  82|   2  70  80|  -4  91  96|   3 -10|  -3  34  -6
N  |   3  26  14  34  22 |   7  65  67|   4  60  76|  -9  91  76| -20  94  74|   0   0|  17  -1   2
N  |  38  19 -11  61  62 |  -4  62  74|   3  42  89|  -7  90  93|   0  88  85|  21 -16|  -3  42   7
O  |  22  56  14  31  32 | -13  38  61| -13  35  77|  -8  40  69|   4  49  42|   0   0|  77   6  -9
O  |  29  46  18  17  26 |  -3  50  50|   0  51  51|   3  46  50|   6  37  47|   0 -14|  62   8  10
P  |  13  25  20  15   3 |  15  27   2| -18  78  35| -10  95  95| -16  95  79|  36   0|  50 -44 -41
P  |  32  33  30  35  43 |   3   7  11|   0  59  38|  -2  86  91|   2  82  99|  48  -6| -50 -28  64
Q  |  24  42  -1   6   3 |  13  72   8| -11  75  93| -16  87  91| -25  80  87|  40   0|  83 -70 -78
Q  |  66  34  12  -4  -6 |  -1  37   2|   7  78 108|   2  82  83|   1  92  81|  60 -14|-135 -54 120
R  |  20  49   4  41  36 | -12   6  20|   6  26   7| -11  51 100| -23  67  86|   0   0|   6  -1   2
R  |  22  35  23  42  38 | -10   2   0|  11   6  27|   6  86  72|   0  62 102|  -6 -27| -15 -17   3
S  |  43  41 -30  55  64 |   2  88 105|   3  89 105|  -3  92 105| -11  77 110|   0   3|  11  14  -1
S  |  34  55 -11  50  55 |   3  83  97|   0  78 112|   1  95  99|   2  72  86|  -2  -3| -26  42 -26
T  |   5  19  29   8  22 |  13  50  74| -10  85 112|   1  86 104|  -6  81 107|  -9  -4|  15  14   2
T  |  34   4 -43  60  29 |   9  62  92|  -6  84 100|  -3  88 100|   0  85  95|   0   0|   0   8  -5
U  |  19  50  -9  43  45 |   7  12   6|   9  14   6|  -3  70  95| -15  81  81|   0   0|  10  -9  18
U  |  14  43   9  40  33 |   6  16   9|   4  22   6| -10  66 111| -25  79  92|   0   0| -14  14  -7
V  |  20  44 -12  44  48 |  20   4   4|   4   5   3|  -8  75  98| -20  91  78|   0   0|   0 -12  19
V  |  23  46   7  41  43 |  20  10   6| -11  12   6| -17  57 109| -25  71  89|   0   0|   0   0  -2
W  |  11  47  -1  53  46 |  17   3   6|   3   0   5|  -7  11   5| -10  64  86|   0   0|   1  -7  10
W  |  11  45  18  50  46 |  20   0   2|   3   2   5|  -9  18   5| -20  68  87|   0   0|  -5  -7   0
X  |  24  65  11  42  48 |   2  -1  65|  -4  73  98| -10  83 100| -19  75 105|   0   0| -13  20  11
X  |  29  61  18  39  36 |   9  33  40|  -2  69  99| -12  83  94| -21  93  76|   0   0|  67 -13  22
Y  |  42  18   0   3 -10 |   1  72 110|  -5  92 112|  -9  89  99| -19  18   3|   0   0|   8   6  10
Y  |  49  15   0   3 -13 |  -2  72 103|  -5  83 101|  -3  83  98| -17  34  13|   0   0|   6  14   8
0  |  29  46  18  17  26 |  -3  50  50|   0  51  51|   3  46  50|   6  37  47|   0   0|  50   5   0
1  |  35  61   5  37  60 |   0   0   3|   0  88 100|   0  88 100|   0  85  95|   0   0|   0  15   0
2  |  23  58   4  43  52 |   9   0   3|  -8   0   3|   0  82  95|   0  80  95|   0   0|   0  15   0
3  |  60  10   0   0  -5 |   8   0   3|  -6   0   3|   0  85  95|   0  80  95|   0   0|   0  15   0
4  |  19  38  16  60  70 |  10   0   3|   2   0   3|  -7   0   3| -16   0   3|   0   0|   0  15   0
5  |  60  10   0   0  -5 |  10   0   3|   2   0   3|  -7   0   3| -18   0   3|   0   0|   0   0   0
6  |   9  51  10  35  35 |   9   0   3|   0   0   3|  -9   0   3|   4  66  47|   0   0|   0  15   0
7  |  17  54  12  28  33 |   9   0   3|   0   0   3|   0  62  49| -15   0   3|   0   0|   0  15   0
8  |  19  53  13  25  30 |   9   0   3|   0  60  52|  -7   0   3| -16   0   3|   0   0|   0  15   0
9  |  31  45  18  18  27 |   4  49  51|  -2   8  10|  -9   2   8| -17   0   4|   0   0|  30  10   0
"""
# Of the images of a sign, how many show its second way: 0.7 unless told
SECOND_SHARE = {"G": 0.9, "K": 0.9, "P": 0.8, "Q": 0.9} | dict.fromkeys("EHMRST", 0.3)


# By name: ((thumb), (index), ..., (little), (wrist), (view))
POSES: dict[str, tuple] = {}
SECOND_POSES: dict[str, tuple] = {}
for _line in _TABLE.strip().splitlines()[2:]:
    _name, *_groups = _line.split("|")
    _row = tuple(tuple(map(int, group.split())) for group in _groups)
    (SECOND_POSES if _name.strip() in POSES else POSES)[_name.strip()] = _row

# The average hand in centimetres: index, middle, ring, little finger.
KNUCKLES = np.array([[2.9, 8.3, 0.0], [0.8, 8.6, 0.15], [-1.3, 8.1, 0.05], [-3.25, 7.2, -0.3]])
FINGER_BONES = np.array([[4.2, 2.5, 2.0], [4.6, 2.9, 2.1], [4.3, 2.7, 2.1], [3.4, 1.9, 1.8]])
FINGER_RADIUS = np.array([1.06, 1.08, 1.04, 0.92])  # at the knuckle
TAPER = np.array([1.0, 0.94, 0.87, 0.74])  # of that radius, from knuckle to tip
THUMB_ROOT = np.array([2.0, 1.9, 0.9])
THUMB_BONES = np.array([4.2, 3.2, 2.5])
THUMB_RADII = np.array([1.6, 1.25, 1.18, 0.95])
CURL_TILT = np.radians([-9.0, -3.0, 3.0, 9.0])  # bent fingers lean towards the base of the thumb
