"""Check a set: every file listed, every number found again by another reader."""


from .readers import READERS, read
from .tools import Bad


def rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def value(text):
    return int(text, 16) if text else 0


class Checked:
    def __init__(self, root):
        self.root = root
        self.manifest = rows(root / "manifest.tsv")
        self.numbers = {(key, field): text for key, field, text in rows(root / "numbers.tsv")}
        self.failed, self.counts = [], {}

    def note(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def expect(self, name, key, fields, curve=None):
        for field, got in fields.items():
            wanted = self.numbers.get((key, field)) or self.numbers.get(("curve-%s" % curve, field))
            if wanted is None:
                raise Bad("numbers.tsv has no %s of %s" % (field, key))
            got = got if isinstance(got, int) else int.from_bytes(got, "big")
            if got != value(wanted):
                raise Bad("%s is not that of numbers.tsv" % field)


def check_blob(c, name, key, kind, curve):
    data = (c.root / name).read_bytes()
    fields = read(kind, data)
    opaque = ("wrapped", "hash", "label", "body")
    c.expect(name, key, {f: v for f, v in fields.items()
                         if f not in opaque and not f.startswith(("tpm-", "isolated"))}, curve)
    c.note(kind)


def check(root):
    c = Checked(root)
    for row in c.manifest:
        name, key, kind, _, _, curve, _, _ = row
        last = kind.split(".")[-1]
        try:
            if last in READERS:
                check_blob(c, name, key, last, curve)
        except (Bad, ValueError, KeyError, StopIteration) as error:
            c.failed.append("%s: %s" % (name, error))
    if c.failed:
        raise Bad("%d files are wrong:\n  %s" % (len(c.failed), "\n  ".join(c.failed)))
    for kind in sorted(c.counts):
        print("%5d  %s" % (c.counts[kind], kind))
