"""What splunkd starts for `[aws_cloudhsm://NAME]`: sets the library path, then runs the input."""

import gc
import os
import sys
from pathlib import Path

# What is imported stays, and what comes and goes forms no cycles: to look for cycles every 700
# objects takes a tenth of a run, and of a start.
gc.set_threshold(50_000)

BIN = Path(__file__).resolve().parent
# Python 3.9 (Splunk 9.x and 10.0) needs older releases of some libraries; see SECURITY.md.
LIBRARIES = "py39" if sys.version_info < (3, 10) else "py313"
if not (BIN.parent / "lib" / LIBRARIES).is_dir():
    sys.exit(
        f"ERROR {BIN.parent} is a source checkout of TA-aws-cloudhsm without its libraries. Remove "
        "it from etc/apps, run `make package` elsewhere, and install dist/TA-aws-cloudhsm-*.tar.gz"
    )
sys.path[:0] = [str(BIN), *(str(BIN.parent / "lib" / name) for name in (LIBRARIES, "common"))]

from cloudhsm.modular_input import main  # noqa: E402  (the path above must come first)

if __name__ == "__main__":
    os.umask(0o077)  # states, locks and logs are for the user that runs Splunk alone
    status = main(sys.argv)
    gc.freeze()  # the interpreter's last look for cycles, at all that was imported, takes 20 ms
    sys.exit(status)
