"""How much a roster file may ask of this machine. Larger districts import school by school."""

UPLOAD_BYTES = 64 * 1024 * 1024
UNPACKED_BYTES = 600 * 1024 * 1024
ENTRIES = 500
# A deflate stream of rows of people shrinks about tenfold; a hundredfold is no roster.
RATIO = 100
RATIO_FROM_BYTES = 1024 * 1024

ROWS = 500_000
COLUMNS = 256
CELL_CHARACTERS = 4_000
NAME_CHARACTERS = 160
CODE_CHARACTERS = 255

# The process that opens a workbook: what it may take before the system ends it.
CHILD_MEMORY_BYTES = 1024 * 1024 * 1024
CHILD_CPU_SECONDS = 120
CHILD_WALL_SECONDS = 300

# Rows of one sheet or file that are listed one by one before only their number is given.
PROBLEMS_LISTED = 1_000
