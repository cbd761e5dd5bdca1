"""What splunkd starts for `[aws_cloudhsm://NAME]`: sets the library path and hands over."""

import sys
from pathlib import Path

BIN = Path(__file__).resolve().parent
# Python 3.9 (Splunk 9.x and 10.0) needs older releases of some libraries; see SECURITY.md.
LIBRARIES = "py39" if sys.version_info < (3, 10) else "py313"
sys.path[:0] = [str(BIN), *(str(BIN.parent / "lib" / name) for name in (LIBRARIES, "common"))]

from cloudhsm.modular_input import main  # noqa: E402  (the path above must come first)

if __name__ == "__main__":
    sys.exit(main(sys.argv))
