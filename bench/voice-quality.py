"""PESQ and STOI of recordings beside the clean speech they were made from.

Reads a JSON list of {"clean": WAV, "degraded": WAV} and prints one of {"pesq", "stoi"}. Recorders begin a little early
or late: each recording is shifted to where it fits best.
"""

import json
import sys

import numpy
from pesq import pesq
from pystoi import stoi
from scipy.io import wavfile
from scipy.signal import correlate, resample_poly


def samples(path):
    rate, values = wavfile.read(path)
    assert rate == 48_000, f"{path} has {rate} samples a second"
    return values.astype(numpy.float64) / 32_768


def aligned(clean, degraded):
    """Both from the same instant on, and as long."""
    shift = int(numpy.argmax(correlate(degraded, clean, method="fft"))) - (len(clean) - 1)
    if shift > 0:
        degraded = degraded[shift:]
    else:
        clean = clean[-shift:]
    length = min(len(clean), len(degraded))
    return clean[:length], degraded[:length]


def figures(pair):
    clean, degraded = aligned(samples(pair["clean"]), samples(pair["degraded"]))
    wide = (resample_poly(sound, 1, 3) for sound in (clean, degraded))
    return {"pesq": float(pesq(16_000, *wide, "wb")), "stoi": float(stoi(clean, degraded, 48_000))}


print(json.dumps([figures(pair) for pair in json.load(sys.stdin)]))
