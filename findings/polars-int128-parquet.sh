#!/usr/bin/env bash
# polars 1.35.2 writes a column of 128-bit integers to Parquet; pyarrow 22.0.0 then cannot open the file at all: the columns of
# other types that stand beside it are out of reach too, and so is the number of rows.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check polars==1.35.2 pyarrow==22.0.0
cd "$here"
"$here/venv/bin/python" - <<'PY'
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

pl.DataFrame({"user": [1, 2], "stamp": pl.Series([3, 4], dtype=pl.Int128)}).write_parquet("wide.parquet")
assert pl.read_parquet("wide.parquet")["stamp"].to_list() == [3, 4], "polars reads its own file"
try:
    pq.read_table("wide.parquet", columns=["user"])
except (pa.ArrowException, OSError) as error:
    print(f"pyarrow {pa.__version__}: {type(error).__name__}: {str(error).splitlines()[0]}")
else:
    raise SystemExit("changed: pyarrow reads the other columns now")
PY
