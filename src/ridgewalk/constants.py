"""Constants that both engines share: CMakeLists.txt writes the integers of this file into constants.hpp.

Each line has the form ``NAME = 64`` with its meaning as a comment. In C++ the constant is ``constants::name``.
"""

from __future__ import annotations

SHUFFLE = 1  # purposes of random numbers: no two uses of one seed share their numbers
DROPOUT = 2
MAP_ROWS = 3
LARGEST_EXPONENT = 50  # of a Poisson rate, which beyond it goes on along its tangent
CHECK_EVERY = 10  # polishing steps between two looks at the residual, which costs a gradient
POLL = 50  # milliseconds between two looks of a caller at the progress, and at Ctrl-C
TILE = 64  # rows of data that are taken through a network at once
THINNEST = 4  # inputs or units of a thin layer, whose gradients are summed lane by lane
FEW_TILES = 4  # of a slice of a pass, in a large network; a smaller batch is kept until it is through
MANY_TILES = 64  # of a slice in any other
MOST_SLICES = 16  # of a pass
LARGE = 16384  # numbers in a network from which 64 rows are worth a thread's while
