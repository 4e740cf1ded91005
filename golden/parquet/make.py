"""Writes the tables beside this file: pip install pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0; python make.py"""
import datetime as dt
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

# A time series as a data frame: snappy and dictionaries, an index of its own, a label that changes.
n = 40
pd.DataFrame(
    {
        "time": pd.date_range("2024-02-29 23:59:59.9", periods=n, freq="10ms"),
        "accX": pd.array([i / 8 - 1.1 for i in range(n)], dtype="float32"),
        "accY": [i * 1e-3 for i in range(n)],
        "on": [i % 3 == 0 for i in range(n)],
        "steps": pd.array(range(n), dtype="int16"),
        "kind": ["walk" if i < 30 else "run" for i in range(n)],
    },
    index=[3 * i + 5 for i in range(n)],
).to_parquet("series.parquet", row_group_size=25)

# Rows with cells that are missing, as a query engine writes them.
pl.DataFrame(
    {
        "width": [1.5, None, 2.25, 0.0],
        "count": [1, 2, None, 4],
        "colour": ["red", "blue", None, "red"],
        "sold": [True, False, True, None],
        "kind": ["a", "b", None, "a"],
    },
    schema_overrides={"count": pl.UInt32},
).write_parquet("rows.parquet", compression="snappy")

# Every type, pages of the second version, encodings by difference.
day = dt.datetime(2024, 5, 6, 7, 8, 9, 123456)
types = pa.table(
    {
        "date": pa.array([day.date()] * 2, pa.date32()),
        "clock": pa.array([dt.time(1, 2, 3, 4000)] * 2, pa.time64("us")),
        "millis": pa.array([day, day], pa.timestamp("ms", tz="UTC")),
        "nanos": pa.array([day, None], pa.timestamp("ns")),
        "price": pa.array([Decimal("-12.340"), Decimal("0.005")], pa.decimal128(20, 3)),
        "u32": pa.array([2**32 - 1, 0], pa.uint32()),
        "u64": pa.array([2**64 - 1, 0], pa.uint64()),
        "i8": pa.array([-128, 127], pa.int8()),
        "half": pa.array([0.5, -2.0], pa.float16()),
        "large": pa.array([1e300, -1e-300], pa.float64()),
        "inner": pa.array([{"a": 1, "b": "x"}, None], pa.struct([("a", pa.int32()), ("b", pa.string())])),
        "list": pa.array([[1, 2], []], pa.list_(pa.int32())),
        "bytes": pa.array([b"\xff\x00", b""], pa.binary()),
    }
)
pq.write_table(
    types,
    "types.parquet",
    compression="none",
    use_dictionary=False,
    data_page_version="2.0",
    column_encoding={"u32": "DELTA_BINARY_PACKED", "large": "BYTE_STREAM_SPLIT", "inner.b": "DELTA_LENGTH_BYTE_ARRAY"},
)
pq.write_table(types.select(["nanos"]), "old.parquet", use_deprecated_int96_timestamps=True, version="1.0")

# A codec that is not unpacked here.
pl.DataFrame({"x": [1.0, 2.0]}).write_parquet("zstd.parquet", compression="zstd")

# As small as it gets, to be damaged at every byte.
tiny = pa.table({"time_ms": pa.array([0, 10, 20], pa.int32()), "x": pa.array([1.5, 2.0, 1.5], pa.float32())})
pq.write_table(tiny, "tiny.parquet", compression="snappy", store_schema=False, write_statistics=False)

# Rows whose label hangs on a number and on a word, from seeded draws.
import random

draw = random.Random(7)
size = [round(draw.uniform(-1, 1), 3) for _ in range(120)]
place = [["roof", "cellar", "hall"][i % 3] for i in range(120)]
kind = ["high" if p == "roof" or s > 0.3 else "low" for s, p in zip(size, place)]
pd.DataFrame({"size": size, "place": place, "kind": kind}).to_parquet("table.parquet")
