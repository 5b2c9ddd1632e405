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
A  |  35  23  -1  25   8 |   6  77 102|   0  88 105|  -4  88 101|  -9  86 100|   0   0|   6  16  10
A  |  37  32  -4  20  14 | -13  67  96|  -5  77  96|  -5  75  96| -17  68  98|   0   0|  16   7   4
B  |  14  34  12  50  45 |  -1   3   4|  -1  -1   4|   1  -2  20|   4   7   8|   0   0| -10   0   4
B  |  20  32  27  49  59 |   1   2   1|   0  -1   0|   1  -2   1|  -2   0   2|   0   0|  11 -13   7
C  |  27  59   3  12  20 |  -3  29  34|  -1  20  51|   3  21  47|  -1  37  20|   0   0|  85   3  10
C  |  40  58  11  16  17 |   3  32  37|  -8  29  50|  -6  21  54|   2  21  41|   0   0|  49   5   3
D  |  33  47  -2  39  60 |  -1  21   5|  -7  35  98|  -8  36  93|  -7  34  74|   0   0|  16   2   6
D  |  23  46  20  28  26 |   5  20   3|  -8  37  64|  -9  35  62|  -4  32  47|   0   0|   8   3   4
E  |  23  34   1  57  55 |   6  23  88|  -9  19 109| -11  16 110| -12  20  94|   0   0|  17  16   3
E  |  21  51   6  58  52 |   1  26  82|  -9  20  98| -13  12 101| -15   6  87|   0   0|  24  10 -11
F  |  37  42  10  34  42 |  -3  39  57|  -6   7   7| -10   4   7| -23   4   3|   0   0|  12  -4   8
F  |  38  43  18  23  25 |  13  60  55|   4  23  17|  -7  -3  16| -25 -10   4|   0   0|  38  23   5
G  |  33  33   6  16  14 |  -5  20  15|  -5  80 112| -13  74 104| -15  71  80|  -3   6| -10   8  64
G  |  17  23 -14  24  13 |  -2  46   4|  -8  60  96| -12  62  96|  -5  71  81|  -1   0| 140 -38 -41
H  |  19  43  25  40  35 |  -6  13   5|  -7  13   3| -15  65  92| -25  74  81|   0   0|   9  -1  76
H  |  27  22   8  31  29 |  -8  35  12|  -7  42   9| -13  59  96| -11  65  82|   0   0| 138 -31 -38
I  |  37  43 -12  38  52 |   6  78  98|   0  85  98|  -5  82  89| -19  35  10|   0   0|   3  17   1
I  |  39  44   0  37  55 |  -5  65 108|  -5  74 109| -12  71  97| -23  22   7|   0   0|  11  12   0
K  |  17  18   1  19   7 |  20  10   4|  -4  36   7| -16  84  95| -23  88  88|   0   0|  -8  20  14
K  |  19  21   2  27  12 |  19  22   8|   0  36   7| -12  76  99| -20  74  93|   0   0|   2  18  16
L  |  43  10   0  -1 -13 |   8  17  16|  -5  75 101| -10  83  97| -16  77 100|   0   0|  -2  14   5
L  |  53  15   0   2  -7 |   3  21  16|  -7  81 105| -11  87 105| -12  80  99|   0   0|  -4   9 -19
M  |  -4  42   0  45  13 |  -1  69  68|  -6  66  70| -13  41  95| -25  60  75|   0   0|  22  22 -17
N  |  15  26   7  45  17 |  11  63  79|   7  57  92|  -3  86  81| -12  82  81|   0   0|   6   9  20
N  |  14  26  13  46  19 |   1  67  68|   2  52  90|  -9  77 104| -11  69 101|   0   0|  29   8  15
O  |  24  54  18  21  32 |  -8  43  49|  -7  40  66|  -7  43  61|  -4  55  37|   0   0|  79  24 -12
O  |  31  64  16  39  45 | -16  38  64| -17  37  74| -16  39  72|  -1  45  54|   0   0|  62  14  -4
P  |   7  19   5  10   1 |  -3  30   4| -25  60   9|  -6  87  93|  -8  84  95|  30   0| -55   6  35
P  |  16  43  15  23   9 |  -7  13   4|  -4  65  29|   1  83  76|   4  68  82|  30   0| -37  -8  70
Q  |  21  55   3  12   7 |   1  54   7| -11  73 112| -13  77 112|  -9  71 109|  40   0| -66  13  85
Q  |   9  47   5  17   8 |  10  43  19|  -9  70 102| -12  80  97| -18  83  81|  40   0|  83 -27 -47
R  |  28  34   9  51  45 | -15  11  10|  -6  25  22| -16  58 100| -25  55  89|   0   0|   1  14   9
R  |  24  35  14  50  44 |  -4  14  10|   7  28  12| -13  61 100| -25  63  86|   0   0|  12  15  14
S  |  44  36 -20  45  56 | -11  84 112|  -4  91 111|  -6  90 106| -10  81 111|   0   0|   9  20   8
S  |  43  38 -19  43  55 | -13  85 112|  -5  92 111|  -6  90 104| -10  83 108|   0   0|   7  18  10
T  |  16  47   4  35  14 |  19  43  86|  -3  88 112|  -8  93 111| -14  79 108|   0   0|  24  17  -1
T  |  43  10  -4   8  -3 |   3  56   7|  -1  77 112|  -3  91  98|   5  84 112| -27 -31|   9 -73  88
U  |  15  52  13  42  38 |   2  19   8|   5  21   8|  -9  66 106| -18  61  92|   0   0|   2  12   1
U  |   6  46  11  38  32 |   2  25   3|   1  18  10| -13  45  99| -25  66  92|   0   0|  20   6   4
V  |  18  31   9  61  55 |  20   7   4|  -3   9  12| -10  66  98| -21  71  99|   0   0|   0   0  10
V  |  23  46   7  41  43 |  20  10   6| -11  12   6| -17  57 109| -25  71  89|   0   0|   0   0  -2
W  |  11  40  17  51  37 |  20   2   2|   2   3   3| -14  14   8| -13  53  95|   0   0|  -3  -3   9
W  |  12  35  26  50  41 |  15   7   2|   4   2  11|  -6   7   8|  -5  38  81|   0   0|  10  -5   3
X  |  28  55  12  37  38 |  10  23  63|  -5  80 101| -14  91  95| -25  95  81|   0   0|  55 -19  20
X  |  33  68  14  45  47 |   5  23  51|  -3  71 103| -13  86 100| -25  94  86|   0   0|  57 -10  21
Y  |  50  10   0  13 -11 |  -3  73 103|  -7  81 104| -11  71  98| -25  19   5|   0   0|  -6  -1  10
Y  |  42  25  -1  10  -7 |  -5  74  90|  -6  81  87| -10  78  86| -25  12   4|   0   0|  16   3  12
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
SECOND_SHARE = {"T": 0.3}  # of a sign's images, if it has a second row: 0.5 unless told


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
