#!/usr/bin/env bash
# pyarrow 22.0.0, CSV: a blank after the separator is passed over where the column is read as numbers, but is part of a text, keeps a
# null from being one, and makes a quote an ordinary letter, so that a comma inside the quotes ends the field.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==22.0.0
"$here/venv/bin/python" - <<'PY'
import io

import pyarrow as pa
from pyarrow import csv

text = b"item, rating, title\n1, 5, Heat\n2, 4, NA\n"
options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
table = csv.read_csv(io.BytesIO(text), convert_options=options)
print(table.column_names, table.column(1).to_pylist(), table.column(2).to_pylist())
assert table.column_names == ["item", " rating", " title"] and table.column(1).to_pylist() == [5, 4], "changed"
assert table.column(2).to_pylist() == [" Heat", " NA"], "changed"
try:
    csv.read_csv(io.BytesIO(b'item,title\n1, "Heat, the film"\n'))
except pa.ArrowInvalid as error:
    print("a quote after a blank:", str(error)[:60])
else:
    raise SystemExit("changed: a quote after a blank opens a quoted field now")
PY
