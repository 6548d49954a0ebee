"""libphi for Python 3: ctypes, this one file.

    import phi
    p = phi.Phi()                      # or phi.Phi(library="/usr/lib/libphi.so", rules="folder")
    for f in p.scan("SSN 123-45-6789"):
        print(f.kind, f.start, f.end, f.score, f.rule)
    print(p.redact("SSN 123-45-6789", style="mask"))

Offsets are bytes of the UTF-8 form of the text.
"""
import ctypes
from collections import namedtuple

Finding = namedtuple("Finding", "kind start end score rule")
_STYLES = {"label": 0, "mask": 1, "last4": 2, "hash": 3, "surrogate": 4}


class PhiError(Exception):
    """The text was not scanned: treat it as full of PHI."""


class _Finding(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("at", ctypes.c_size_t), ("len", ctypes.c_size_t),
                ("score", ctypes.c_int), ("rule", ctypes.c_int)]


class _RedactOpts(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("style", ctypes.c_int), ("safe_harbor", ctypes.c_int),
                ("key", ctypes.c_uint64), ("scan", ctypes.c_void_p)]


_FOUND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Finding))
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Phi:
    def __init__(self, library="libphi.so", rules=None):
        self._lib = lib = ctypes.CDLL(library)
        lib.phi_kind_name.restype = lib.phi_rule_name.restype = lib.phi_err_text.restype = ctypes.c_char_p
        lib.phi_rule_name.argtypes = [ctypes.c_void_p, ctypes.c_int]
        lib.phi_scan.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, _FOUND, ctypes.c_void_p]
        lib.phi_redact.argtypes = [ctypes.c_void_p, ctypes.POINTER(_RedactOpts), ctypes.c_char_p, ctypes.c_size_t,
                                   _WRITE, ctypes.c_void_p]
        lib.phi_close.argtypes = [ctypes.c_void_p]
        self._phi = ctypes.c_void_p()
        why = ctypes.create_string_buffer(400)
        if lib.phi_open(rules.encode() if rules else None, ctypes.byref(self._phi), why, ctypes.c_size_t(400)):
            raise PhiError(why.value.decode())

    def _check(self, err):
        if err:
            raise PhiError(self._lib.phi_err_text(err).decode())

    def scan(self, text):
        data, found = text.encode("utf-8"), []

        def take(_, f):
            f = f.contents
            found.append(Finding(self._lib.phi_kind_name(f.kind).decode(), f.at, f.at + f.len, f.score,
                                 self._lib.phi_rule_name(self._phi, f.rule).decode()))
            return 0
        self._check(self._lib.phi_scan(self._phi, data, len(data), _FOUND(take), None))
        return found

    def redact(self, text, style="label", safe_harbor=False, key=0):
        data, out = text.encode("utf-8"), []

        def take(_, p, n):
            out.append(ctypes.string_at(p, n))
            return 0
        opts = _RedactOpts(ctypes.sizeof(_RedactOpts), _STYLES[style], int(safe_harbor), key, None)
        self._check(self._lib.phi_redact(self._phi, ctypes.byref(opts), data, len(data), _WRITE(take), None))
        return b"".join(out).decode("utf-8", "replace")

    def close(self):
        if self._phi:
            self._lib.phi_close(self._phi)
            self._phi = None
