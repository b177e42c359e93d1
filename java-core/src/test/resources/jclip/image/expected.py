"""Expected results of PreprocessorTest, from a second implementation of Pillow's arithmetic (exact integers of Python, no code shared).

  python3 expected.py                     prints the table of PreprocessorTest
  python3 expected.py PREPROCESS_FIXTURES checks this script against the reference's hashes (small 8-bit PNG that are not palettes)
"""
import hashlib
import json
import math
import os
import struct
import sys
import zlib

CHANNELS = {"L": 1, "1": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}


def weight(kind, t):
    t = abs(t)
    if kind == "bilinear":
        return 1 - t if t < 1 else 0.0
    if t < 1:
        return ((-0.5 + 2) * t - (-0.5 + 3)) * t * t + 1
    return (((t - 5) * t + 8) * t - 4) * -0.5 if t < 2 else 0.0


def windows(n, m, kind):
    scale = n / m
    fs = max(scale, 1.0)
    support = {"bicubic": 2, "bilinear": 1}[kind] * fs
    for i in range(m):
        center = (i + 0.5) * scale
        lo = max(0, int(center - support + 0.5))
        hi = min(n, int(center + support + 0.5))
        w = [weight(kind, (x + lo - center + 0.5) * (1.0 / fs)) for x in range(hi - lo)]
        total = 0.0
        for v in w:
            total += v
        w = [v / total for v in w]
        yield lo, [int(v * 4194304 + (0.5 if v >= 0 else -0.5)) for v in w]


def lines(image, m, kind):
    """image: list of lines, each a list of pixels, each a tuple; resamples along the lines."""
    plan = list(windows(len(image[0]), m, kind))
    out = []
    for line in image:
        new = []
        for lo, w in plan:
            pixel = []
            for c in range(len(line[0])):
                s = 2097152
                for j, k in enumerate(w):
                    s += k * line[lo + j][c]
                pixel.append(min(255, max(0, s >> 22)))
            new.append(tuple(pixel))
        out.append(new)
    return out


def turn(image):
    return [list(column) for column in zip(*image)]


def nearest(n, m):
    out, t, scale = [], 0.5 * (n / m), n / m
    for _ in range(m):
        out.append(min(int(t), n - 1))
        t += scale
    return out


def resize(image, mode, h, w, kind):
    ih, iw = len(image), len(image[0])
    if (ih, iw) == (h, w):
        return image
    if mode in ("1", "P") or kind == "nearest":
        return [[image[y][x] for x in nearest(iw, w)] for y in nearest(ih, h)]
    if mode in ("LA", "RGBA"):
        image = [[tuple(mul(v, p[-1]) for v in p[:-1]) + (p[-1],) for p in line] for line in image]
    tall = ih > 100 * iw and h < ih
    for axis in ("vh" if tall else "hv"):
        if axis == "h" and iw != w:
            image = lines(image, w, kind)
        if axis == "v" and ih != h:
            image = turn(lines(turn(image), h, kind))
    if mode in ("LA", "RGBA"):
        image = [[p if p[-1] in (0, 255) else tuple(min(255, 255 * v // p[-1]) for v in p[:-1]) + (p[-1],) for p in line] for line in image]
    return image


def mul(a, b):
    t = a * b + 128
    return (t + (t >> 8)) >> 8


def crop(image, mode, h, w, fill):
    ih, iw = len(image), len(image[0])
    filled = (fill,) * CHANNELS[mode]
    if mode == "1":
        filled = (255 if fill else 0,)
    if h > ih or w > iw:
        top, left = max(0, h - ih) // 2, max(0, w - iw) // 2
        bottom, right = max(0, h - ih + 1) // 2, max(0, w - iw + 1) // 2
        wide = left + iw + right
        image = ([[filled] * wide] * top + [[filled] * left + line + [filled] * right for line in image] + [[filled] * wide] * bottom)
        ih, iw = len(image), len(image[0])
    top, left = round((ih - h) / 2.0), round((iw - w) / 2.0)
    return [line[left:left + w] for line in image[top:top + h]]


def rgb(image, mode, palette):
    def one(p):
        if mode in ("L", "1", "LA"):
            return (p[0],) * 3
        if mode == "P":
            return tuple(palette[3 * p[0]:3 * p[0] + 3])
        if mode == "CMYK":
            k = 255 - p[3]
            return tuple(min(255, max(0, k - mul(v, k))) for v in p[:3])
        return p[:3]
    return bytes(v for line in image for p in line for v in one(p))


def preprocess(image, mode, palette, h, w, how, kind, fill):
    ih, iw = len(image), len(image[0])
    if how == "squash":
        image = resize(image, mode, h, w, kind)
    elif how == "longest" or h != w:
        ratio = (max if how == "longest" else min)(ih / h, iw / w)
        image = resize(image, mode, round(ih / ratio), round(iw / ratio), kind if how == "longest" else "bicubic")
    else:
        short, long = min(ih, iw), max(ih, iw)
        other = int(h * long / short)
        image = resize(image, mode, *((h, other) if ih <= iw else (other, h)), kind)
    return rgb(crop(image, mode, h, w, fill if how == "longest" else 0), mode, palette)


def picture(mode, h, w):
    """The same formula as in PreprocessorTest."""
    n = CHANNELS[mode]
    value = lambda x, y, c: (x * x * 3 + y * 11 + x * y % 17 * 13 + c * 71 + (x // 5 + y // 7) % 2 * 97) % 256
    image = [[tuple(value(x, y, c) for c in range(n)) for x in range(w)] for y in range(h)]
    if mode == "1":
        image = [[(255 if p[0] > 127 else 0,) for p in line] for line in image]
    return image, [(i * 37 + i // 3) % 256 for i in range(768)]


def read_png(path):
    data = open(path, "rb").read()
    at, body = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            w, h, depth, colour, _, _, lace = struct.unpack(">IIBBBBB", data[at + 8:at + 21])
        if kind == b"IDAT":
            body += data[at + 8:at + 8 + n]
        at += 12 + n
    if depth != 8 or lace or colour == 3:
        return None
    mode = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}[colour]
    n = CHANNELS[mode]
    raw, up, out = zlib.decompress(body), bytearray(n + w * n), []
    for y in range(h):
        f, row = raw[y * (w * n + 1)], bytearray(n) + raw[y * (w * n + 1) + 1:(y + 1) * (w * n + 1)]
        for i in range(n, len(row)):
            a, b, c = row[i - n], up[i], up[i - n]
            p = a + b - c
            best = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[i] = (row[i] + [0, a, b, (a + b) // 2, best][f]) & 255
        out.append([tuple(row[i:i + n]) for i in range(n, len(row), n)])
        up = row
    return out, mode


def check(root):
    right = wrong = 0
    for case in sorted(os.listdir(root + "/cases")):
        meta = json.load(open("%s/cases/%s/case.json" % (root, case)))
        if meta.get("format") != "PNG" or meta["decoded"]["width"] * meta["decoded"]["height"] > 9000:
            continue
        png = read_png("%s/%s" % (root, meta["image"]))
        for r in meta["results"] if png else []:
            if "sha256" not in r or r["size"][0] * r["size"][1] > 20000:  # plain Python is slow
                continue
            out = preprocess(png[0], png[1], None, *r["size"], r["resize_mode"], r["interpolation"], r["fill_color"])
            if hashlib.sha256(out).hexdigest() == r["sha256"]:
                right += 1
            else:
                wrong += 1
                print("WRONG", case, r["size"], r["resize_mode"], r["interpolation"])
    print(right, "right,", wrong, "wrong")


def table():
    settings = [(32, 32, "shortest", "bicubic", 0), (32, 32, "shortest", "bilinear", 0), (24, 40, "shortest", "bilinear", 0),
                (20, 50, "squash", "bicubic", 0), (33, 28, "longest", "bicubic", 77), (16, 16, "shortest", "nearest", 0)]
    for mode in CHANNELS:
        for h, w in ((43, 61), (70, 31)):
            image, palette = picture(mode, h, w)
            for s in settings:
                digest = hashlib.sha256(preprocess(image, mode, palette, *s)).hexdigest()
                print(mode, h, w, *s, digest[:32])
    image, palette = picture("RGB", 405, 4)
    digest = hashlib.sha256(preprocess(image, "RGB", palette, 20, 10, "squash", "bicubic", 0)).hexdigest()
    print("RGB 405 4 20 10 squash bicubic 0", digest[:32])


check(sys.argv[1]) if len(sys.argv) > 1 else table()
