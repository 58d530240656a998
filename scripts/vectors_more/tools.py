"""Running openssl, DER and PEM by hand, arithmetic on curves; and the set that is being made."""

import base64
import hashlib
import os
import subprocess
import tempfile
import pathlib

OPENSSL = os.environ.get("OPENSSL", "openssl")


class Bad(Exception):
    """Something is not as it must be."""


def run(*args, data=None, env=None, cwd=None):
    """Run a program; its standard output as bytes."""
    full = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
    done = subprocess.run([str(a) for a in args], input=data, env=full, cwd=cwd, capture_output=True)
    if done.returncode != 0:
        raise Bad("%s failed: %s" % (" ".join(map(str, args)), done.stderr.decode(errors="replace").strip()[-600:]))
    return done.stdout


def openssl(*args, data=None, env=None):
    return run(OPENSSL, *args, data=data, env=env)


def openssl_with_file(name, data, *args):
    """openssl with `data` in a file, whose path is put for `name` in the arguments."""
    with tempfile.TemporaryDirectory() as tmp:
        path = pathlib.Path(tmp, "file")
        path.write_bytes(data)
        return openssl(*[path if a == name else a for a in args])


def openssl_version():
    return " ".join(openssl("version").decode().split()[:2])


def seeded(name, size):
    """Bytes that are the same in every run: fixed seeds for what has no need of chance."""
    return hashlib.shake_256(b"tests/vectors/more: " + name.encode()).digest(size)


def be(number, width):
    return number.to_bytes(width, "big")


def le(number, width):
    return number.to_bytes(width, "little")


def size_of(number):
    return max(1, (number.bit_length() + 7) // 8)


def natural(number):
    return be(number, size_of(number))


# ---------------------------------------------------------------- DER


def der(tag, *parts):
    content = b"".join(parts)
    n = len(content)
    if n < 128:
        return bytes([tag, n]) + content
    length = natural(n)
    return bytes([tag, 0x80 | len(length)]) + length + content


def der_int(number):
    return der(0x02, be(number, number.bit_length() // 8 + 1))


def seq(*parts):
    return der(0x30, *parts)


def octets(data):
    return der(0x04, data)


def bits(data, unused=0):
    return der(0x03, bytes([unused]), data)


def oid(dotted):
    first, second, *rest = [int(n) for n in dotted.split(".")]
    out = bytearray()
    for arc in [first * 40 + second] + rest:
        chunk = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7
            chunk.append(arc & 0x7F | 0x80)
        out += bytes(reversed(chunk))
    return der(0x06, bytes(out))


def undotted(content):
    """The dotted form of an OID's content."""
    arcs, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - first * 40] + arcs[1:]))


class Node:
    """One DER element: tag, content, the children of a constructed one, and its own bytes."""

    def __init__(self, data, at=0):
        if at + 2 > len(data):
            raise Bad("DER ends at %d" % at)
        self.tag, length, head = data[at], data[at + 1], 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at + 2:at + 2 + count], "big")
            head += count
        self.end = at + head + length
        if self.end > len(data):
            raise Bad("DER element at %d is longer than the data" % at)
        self.content = data[at + head:self.end]
        self.raw = data[at:self.end]
        self.children = []
        if self.tag & 0x20:
            inner = 0
            while inner < len(self.content):
                child = Node(self.content, inner)
                self.children.append(child)
                inner = child.end

    def __getitem__(self, index):
        return self.children[index]

    def __len__(self):
        return len(self.children)

    def int(self):
        return int.from_bytes(self.content, "big")

    def oid(self):
        return undotted(self.content)

    def bits(self):
        return self.content[1:]


def parse(data):
    node = Node(data)
    if node.end != len(data):
        raise Bad("%d bytes behind the DER" % (len(data) - node.end))
    return node


def pem(label, data):
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return ("-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, "\n".join(lines), label)).encode()


def unpem(data, label=None):
    """The first PEM block (of that label)."""
    lines = data.decode("ascii", "replace").splitlines()
    begin = "-----BEGIN " + (label or "")
    start = next((i for i, line in enumerate(lines) if line.startswith(begin)), None)
    if start is None:
        raise Bad("no PEM block %s" % (label or ""))
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("-----END "))
    return base64.b64decode("".join(line for line in lines[start + 1:end] if ":" not in line))


# ---------------------------------------------------------------- curves y^2 = x^3 + ax + b


class Curve:
    """The parameters of a prime curve, as openssl prints them with -param_enc explicit."""

    def __init__(self, ec_parameters):
        node = parse(ec_parameters)
        self.der = ec_parameters
        self.p = node[1][1].int()
        self.a, self.b = node[2][0].int(), node[2][1].int()
        self.seed = node[2][2].bits() if len(node[2]) > 2 else b""
        self.field = size_of(self.p)
        point = node[3].content
        if point[0] != 4 or len(point) != 1 + 2 * self.field:
            raise Bad("the base point is compressed")
        self.gx, self.gy = [int.from_bytes(point[1 + i * self.field:1 + (i + 1) * self.field], "big") for i in (0, 1)]
        self.n = node[4].int()
        self.h = node[5].int() if len(node) > 5 else 1
        self.order = size_of(self.n)
        self.bits = self.p.bit_length()

    @classmethod
    def named(cls, name):
        return cls(openssl("ecparam", "-name", name, "-param_enc", "explicit", "-outform", "DER"))

    def holds(self, x, y):
        return (y * y - (x * x * x + self.a * x + self.b)) % self.p == 0

    def times(self, k):
        """k times the base point, as (x, y). Python takes its time here: for test keys only."""
        result, step = None, (self.gx, self.gy)
        while k:
            if k & 1:
                result = self._add(result, step)
            step = self._add(step, step)
            k >>= 1
        return result

    def _add(self, one, other):
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2:
            if (y1 + y2) % self.p == 0:
                return None
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p


# ---------------------------------------------------------------- the set


class Set:
    """The files, manifest lines and numbers of the set."""

    COLUMNS = ("file", "key", "type", "algorithm", "bits", "curve", "notes", "provenance")

    def __init__(self, root):
        self.root = root
        self.manifest = []
        self.numbers = []
        self.known = set()
        self.curve_of = {}

    def add(self, key, kind, data, algorithm, bits, curve="-", notes="-", provenance="", ext="bin", name=None):
        name = name or "%s.%s.%s" % (key, kind, ext)
        if any(row[0] == name for row in self.manifest):
            raise Bad("two files called " + name)
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.manifest.append((name, key, kind, algorithm, str(bits), curve, notes or "-", provenance))

    def number(self, key, **fields):
        """Numbers of a key; integers in their natural length."""
        for field, value in fields.items():
            if (key, field) in self.known:
                raise Bad("two numbers %s %s" % (key, field))
            self.known.add((key, field))
            self.numbers.append((key, field, (natural(value) if isinstance(value, int) else value).hex()))

    def text(self, key, field, value):
        self.known.add((key, field))
        self.numbers.append((key, field, value))

    def save(self):
        def table(head, rows):
            return "".join("\t".join(row) + "\n" for row in [head] + rows)

        (self.root / "manifest.tsv").write_text(table(self.COLUMNS, self.manifest), encoding="utf-8")
        (self.root / "numbers.tsv").write_text(table(("key", "field", "value"), self.numbers), encoding="utf-8")
