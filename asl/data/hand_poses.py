"""How a hand holds each sign: joint angles, a row a sign; and the measures of the average hand."""

import numpy as np

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
DIGITS = tuple("0123456789")
NOTHING = "nothing"
SIGNS = (*LETTERS, *DIGITS, NOTHING)  # what can be drawn

# Joint angles in degrees, a row for each sign; a sign's second row is another way to hold it.
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
A  |  40   2   8  38  23 |  -2  85 109|  -1  88  99|  -1  95  84|   2  83  94| -11  -1|   0  41   3
B  |  28  36  18  62  73 |  -2  -8   1|   3  -2   9|   5   6   0|   7  -5   0|   1  -8|  -5 -22  -1
C  |  44  57  10  14  33 |   2  33  42|   0  33  42|  -1  29  42|  -1  21  40|   0  12|  75  10  -8
D  |  30  37  11  28  38 |  -3   3   7|  -1  52  56|  -2  63  68|  -3  60  61|  -3   6|  27   1   3
E  |   4  51 -12  62  69 |  -3  64 105|  -1  74 112|  -3  69  96|  -2  68 112|  -2   0|  24  26   8
F  |  31  45  18  18  27 |   4  49  51|  -2  10  14|  -9   2   9| -17  -2   3|   4   3|  45   8 -12
G  |  12  23  17   8   5 |   0  37  10|   0  92 111|   0  87  99|   3  80 103|   0 -28|-171 -33 -73
H  |  12  52  19  26  40 |  -1  37   4|   0  31   6|   1  88 102|   0  81  98|  -3 -27|-177 -42 -82
I  |  38  52   6  36  52 |  -3  90 105|  -2  83 101|   2  85  88| -11  -7   8| -12   3|  13  25  -1
K  |  33  30  24  35  37 |   0  -7   3|  -4  52  14|   0  79  89|   0  78  95|  -7   4| -76  10   7
L  |  65  10   0   0 -10 |   2   0   3|   0  85 100|   0  88 100|   0  85  95|   0   0|   0  15   0
M  |  14  24  -3  61  66 |  -2  64  80|   0  66  82|   2  70  80|  -4  91  96|   3 -10|  -3  34  -6
M  |  18  28   9  62  63 |  -3  55  64|  -3  61  87|  -1  73  79|  -2  88  98|  -5 -20| -18  65 -18
N  |  38  19 -11  61  62 |  -4  62  74|   3  42  89|  -7  90  93|   0  88  85|  21 -16|  -3  42   7
O  |  29  46  18  17  26 |  -3  50  50|   0  51  51|   3  46  50|   6  37  47|   0 -14|  62   8  10
O  |  31  51  19  26  33 |  -3  44  49|  -1  53  61|   5  36  41|   8  43  65|   4 -17|  65  45  17
P  |  32  33  30  35  43 |   3   7  11|   0  59  38|  -2  86  91|   2  82  99|  48  -6| -50 -28  64
Q  |  66  34  12  -4  -6 |  -1  37   2|   7  78 108|   2  82  83|   1  92  81|  60 -14|-135 -54 120
R  |  22  35  23  42  38 | -10   2   0|  11   6  27|   6  86  72|   0  62 102|  -6 -27| -15 -17   3
S  |  34  55 -11  50  55 |   3  83  97|   0  78 112|   1  95  99|   2  72  86|  -2  -3| -26  42 -26
T  |  34   4 -43  60  29 |   9  62  92|  -6  84 100|  -3  88 100|   0  85  95|   0   0|   0   8  -5
T  |  43  10  -4   8  -3 |   3  56   7|  -1  77 112|  -3  91  98|   5  84 112| -27 -31|   9 -73  88
U  |  27  57  12  45  48 |   0  -2   3|  -1  -2   5|   0  83  92|  -1  74  96|   3   4|  -3   8  -2
V  |  18  62   2  44  51 |   9   1   0| -11   4  10|   1  81  91|   3  79  98|  -5  -6|  -8   6   1
W  |  13  52   5  53  51 |  10   0   3|   0   0   3| -10   0   3|   6  75  95|   0   0|   0  15   0
X  |  37  48  10  37  49 |  -1   9  47|   5  76 110|   2  92  83|  -3  76  67| -10   6|  80   2 -15
Y  |  58  12   0   4  -6 |   0  85 100|   0  88 100|   0  85 100| -18   0   3|   0   4|   0  10  -3
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
SECOND_SHARE = 0.7  # of a sign's images, if it has a second row


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
THUMB_RADII = np.array([1.6, 1.2, 1.1, 0.82])
CURL_TILT = np.radians([-9.0, -3.0, 3.0, 9.0])  # bent fingers lean towards the base of the thumb
