"""Shows that receiver.py does what it says, to clients that are not freewheel's, and that check.py sees what is wrong.

    selftest.py

To run fewer: `python -m unittest selftests.over_http`, in this folder.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
# Side by side, as they mostly wait.
NAMES = sorted(path.stem for path in (FOLDER / "selftests").glob("[a-z]*.py") if path.stem != "common")
RUNS = [subprocess.Popen([sys.executable, "-m", "unittest", f"selftests.{name}"], cwd=FOLDER) for name in NAMES]
sys.exit(any([run.wait() for run in RUNS]))
