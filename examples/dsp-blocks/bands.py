#!/usr/bin/env python3
"""A DSP block of one's own in Python alone: power of each axis in bands of equal width, and how often it crosses its mean.

It answers GET /parameters and POST /run and /batch on 127.0.0.1, on the port that PORT names.
"""

import cmath
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PARAMETERS = {
    "version": 1,
    "type": "dsp",
    "info": {
        "title": "Bands",
        "author": "Edgewright",
        "description": "Power of each axis in bands of equal width, and how often it crosses its mean.",
        "name": "Bands",
        "cppType": "bands",
        "latestImplementationVersion": 1,
    },
    "parameters": [
        {
            "group": "Bands",
            "items": [
                {"name": "Number of bands", "param": "bands", "type": "int", "value": 4, "help": "Bands from 0 to the highest frequency."},
                {"name": "Highest frequency", "param": "highest-hz", "type": "float", "value": 20, "help": "Upper edge of the last band, in Hz."},
                {"name": "Count crossings", "param": "crossings", "type": "boolean", "value": True, "help": "How often an axis crosses its mean."},
            ],
        }
    ],
}


def power(values, first, last):
    """Mean power of the Fourier coefficients from `first` up to `last`, each computed by its sum."""
    n = len(values)
    total = 0.0
    for k in range(first, last):
        turn = cmath.exp(-2j * cmath.pi * k / n)
        # Horner's rule.
        coefficient = 0j
        for v in reversed(values):
            coefficient = coefficient * turn + v
        total += abs(coefficient) ** 2 / n
    return total / max(1, last - first)


def extract(features, axes, rate, params):
    bands = int(params["bands"])
    if not 1 <= bands <= 64:
        raise ValueError(f"bands is {bands}; it must be 1 to 64")
    out = []
    for a in range(len(axes)):
        values = features[a :: len(axes)]
        n = len(values)
        mean = sum(values) / n
        values = [v - mean for v in values]
        last = min(n // 2, int(params["highest_hz"] * n / rate))
        edges = [1 + (last - 1) * b // bands for b in range(bands + 1)]
        out += [power(values, edges[b], edges[b + 1]) for b in range(bands)]
        if params["crossings"]:
            out.append(sum((x < 0) != (y < 0) for x, y in zip(values, values[1:])))
    return out


def names(axes, params):
    own = [f"band {b}" for b in range(int(params["bands"]))] + (["crossings"] if params["crossings"] else [])
    return [f"{axis} {name}" for axis in axes for name in own]


def answer(path, asked):
    axes, rate, params = asked["axes"], asked["sampling_freq"], asked["params"]
    windows = asked["features"] if path == "/batch" else [asked["features"]]
    rows = [extract(window, axes, rate, params) for window in windows]
    return {
        "success": True,
        "features": rows if path == "/batch" else rows[0],
        "labels": names(axes, params),
        "graphs": [],
        "output_config": {"type": "flat", "shape": {"width": len(rows[0])}},
    }


class Block(BaseHTTPRequestHandler):
    def say(self, value, status=200):
        body = json.dumps(value, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/parameters":
            self.say(PARAMETERS)
        else:
            self.say({"success": False, "error": "unknown path"}, 404)

    def do_POST(self):
        if self.path not in ("/run", "/batch"):
            return self.say({"success": False, "error": "unknown path"}, 404)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            self.say(answer(self.path, asked))
        except Exception as error:
            self.say({"success": False, "error": str(error)})

    def log_message(self, *words):
        pass


def leave_with_caller():
    """Ends with the program that started it, however that ends: then its input is closed."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    if os.environ.get("PORT"):
        threading.Thread(target=leave_with_caller, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 4446))), Block).serve_forever()
