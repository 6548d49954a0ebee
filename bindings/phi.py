"""libphi for Python 3: ctypes, this one file.

    import phi
    p = phi.Phi()                      # or phi.Phi(library="/usr/lib/libphi.so.1", rules="folder")
    for f in p.scan("SSN 123-45-6789"):
        print(f.kind, f.start, f.end, f.score, f.rule)
    print(p.redact("SSN 123-45-6789", style="mask"))

    known = p.known({"NAME": ["Quill Zorander"], "MRN": ["AB-12 34"]}, allow=["desk@clinic.example"])
    p.scan("zorander wrote to desk@clinic.example", known=known, min_score=40, skip=["URL"])

Offsets are bytes of the UTF-8 form of the text; bytes may be given in place of
str. A Phi may be shared by threads. Anything that is not scanned raises
PhiError: treat the text as full of PHI.
"""
import ctypes
from collections import namedtuple

Finding = namedtuple("Finding", "kind start end score rule")
Moved = namedtuple("Moved", "kind score start end new_start new_end")
_STYLES = {"label": 0, "mask": 1, "last4": 2, "hash": 3, "surrogate": 4}
NO_TAGGER, NO_MEMORY, ONCE = 1, 2, 1


class PhiError(Exception):
    """The text was not scanned: treat it as full of PHI."""


class _Finding(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("at", ctypes.c_size_t), ("len", ctypes.c_size_t),
                ("score", ctypes.c_int), ("rule", ctypes.c_int)]


class _Moved(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("score", ctypes.c_int), ("old_at", ctypes.c_uint64), ("old_len", ctypes.c_uint64),
                ("new_at", ctypes.c_uint64), ("new_len", ctypes.c_uint64)]


class _Opts(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("min_score", ctypes.c_int), ("recall", ctypes.c_int), ("skip_kinds", ctypes.c_uint32),
                ("flags", ctypes.c_uint), ("known", ctypes.c_void_p), ("stop", ctypes.c_void_p)]


_FOUND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Finding))
_MOVED = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Moved))
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class _RedactOpts(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("style", ctypes.c_int), ("safe_harbor", ctypes.c_int), ("key", ctypes.c_uint64),
                ("scan", ctypes.POINTER(_Opts)), ("secret", ctypes.c_char_p), ("flags", ctypes.c_uint), ("reserved", ctypes.c_int),
                ("moved", _MOVED), ("moved_arg", ctypes.c_void_p)]


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


class Known:
    """Values known beforehand; made by Phi.known(). Only keyed hashes of them are kept."""

    def __init__(self, lib):
        self._lib = lib
        self._as_parameter_ = lib.phi_known_new()
        if not self._as_parameter_:
            raise MemoryError

    def __len__(self):
        return self._lib.phi_known_count(self._as_parameter_)

    def __del__(self):
        if getattr(self, "_as_parameter_", None):
            self._lib.phi_known_free(self._as_parameter_)
            self._as_parameter_ = None


class Phi:
    def __init__(self, library="libphi.so.1", rules=None):
        self._lib = lib = ctypes.CDLL(library)
        void, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
        for name, result, *args in (
                ("phi_kind_name", text, ctypes.c_int), ("phi_kind_of", ctypes.c_int, text, size), ("phi_err_text", text, ctypes.c_int),
                ("phi_rule_name", text, void, ctypes.c_int), ("phi_open", ctypes.c_int, text, ctypes.POINTER(void), text, size),
                ("phi_close", None, void), ("phi_scan_opts", ctypes.c_int, void, ctypes.POINTER(_Opts), text, size, _FOUND, void),
                ("phi_redact", ctypes.c_int, void, ctypes.POINTER(_RedactOpts), text, size, _WRITE, void),
                ("phi_known_new", void), ("phi_known_free", None, void), ("phi_known_count", size, void),
                ("phi_known_add", ctypes.c_int, void, ctypes.c_int, text, size),
                ("phi_known_add_whole", ctypes.c_int, void, ctypes.c_int, text, size), ("phi_known_allow", ctypes.c_int, void, text, size),
                ("phi_rules_check", ctypes.c_int, text, size, text, size), ("phi_version", text)):
            f = getattr(lib, name)
            f.restype, f.argtypes = result, args
        self.version = lib.phi_version().decode()
        self._phi = void()
        why = ctypes.create_string_buffer(400)
        if lib.phi_open(rules.encode() if rules else None, ctypes.byref(self._phi), why, 400):
            raise PhiError(why.value.decode())

    def _check(self, err):
        if err:
            raise PhiError(self._lib.phi_err_text(err).decode())

    def _kind(self, name):
        k = self._lib.phi_kind_of(name.encode(), len(name.encode()))
        if k < 0:
            raise ValueError("no such kind: %s" % name)
        return k

    def _opts(self, known=None, min_score=0, recall=0, skip=(), flags=0):
        return _Opts(ctypes.sizeof(_Opts), min_score, recall, sum(1 << self._kind(k) for k in set(skip)), flags,
                     known._as_parameter_ if known else None, None)

    def known(self, values, allow=(), whole=False):
        """{"NAME": [...], "MRN": [...]}; `whole` for lists of many people: no parts of names."""
        k = Known(self._lib)
        for kind, list_ in values.items():
            for v in map(_bytes, list_):
                self._check((self._lib.phi_known_add_whole if whole else self._lib.phi_known_add)(k, self._kind(kind), v, len(v)))
        for v in map(_bytes, allow):
            self._check(self._lib.phi_known_allow(k, v, len(v)))
        return k

    def scan(self, text, **opts):
        data, found, o = _bytes(text), [], self._opts(**opts)

        def take(_, f):
            f = f.contents
            found.append(Finding(self._lib.phi_kind_name(f.kind).decode(), f.at, f.at + f.len, f.score,
                                 self._lib.phi_rule_name(self._phi, f.rule).decode()))
            return 0
        self._check(self._lib.phi_scan_opts(self._phi, ctypes.byref(o), data, len(data), _FOUND(take), None))
        return found

    def redact(self, text, style="label", safe_harbor=False, key=0, secret=None, once=False, moves=None, **opts):
        """The text without what was found; `moves`, a list, gets where each replacement stands. Bytes give bytes."""
        if secret is not None and len(secret) != 32:
            raise ValueError("a secret has 32 bytes")
        data, out, o = _bytes(text), [], self._opts(**opts)

        def take(_, p, n):
            out.append(ctypes.string_at(p, n))
            return 0

        def move(_, m):
            m = m.contents
            moves.append(Moved(self._lib.phi_kind_name(m.kind).decode(), m.score, m.old_at, m.old_at + m.old_len,
                               m.new_at, m.new_at + m.new_len))
            return 0
        r = _RedactOpts(ctypes.sizeof(_RedactOpts), _STYLES[style], int(safe_harbor), key, ctypes.pointer(o), secret,
                        ONCE if once else 0, 0, _MOVED(move) if moves is not None else _MOVED(), None)
        self._check(self._lib.phi_redact(self._phi, ctypes.byref(r), data, len(data), _WRITE(take), None))
        made = b"".join(out)
        return made if isinstance(text, bytes) else made.decode("utf-8", "replace")

    def check_rules(self, rules):
        """None, or what is wrong with the text of a rules file."""
        data, why = _bytes(rules), ctypes.create_string_buffer(400)
        return why.value.decode() if self._lib.phi_rules_check(data, len(data), why, 400) else None

    def close(self):
        if self._phi:
            self._lib.phi_close(self._phi)
            self._phi = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
