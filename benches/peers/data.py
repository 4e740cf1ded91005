"""Takes a folder of recordings in, as scripts beside a notebook do: read each, leave out exact duplicates and what is not finite,
keep the values as .npy beside an index. data.py csv|wav FOLDER OUT"""

import hashlib
import pathlib
import sys

import numpy as np
import pandas as pd
import soundfile as sf

kind, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
out.mkdir(parents=True)
seen, rows = set(), []
for path in sorted(folder.iterdir()):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest in seen:
        continue
    seen.add(digest)
    if kind == "csv":
        table = pd.read_csv(path)
        step = float(np.diff(table["timestamp"].to_numpy()).mean())
        values, rate = table.drop(columns="timestamp").to_numpy(np.float32), 1000.0 / step
    else:
        values, rate = sf.read(path, dtype="float32")
    if not np.isfinite(values).all():
        continue
    np.save(out / f"{digest}.npy", values)
    rows.append({"name": path.name, "label": path.name.split(".")[0], "rate": rate, "values": values.size, "file": f"{digest}.npy"})
pd.DataFrame(rows).to_csv(out / "index.csv", index=False)
print(len(rows), len(set(r["label"] for r in rows)))
