"""libcurl's error codes as sentences for people: what the target did, never where in a library."""

from __future__ import annotations

import errno
import os
import re
import ssl

import pycurl

from checks.errors import CheckError, ProbeUnable

_CONNECT = {
    errno.ECONNREFUSED: "connection refused by {place}",
    errno.EHOSTUNREACH: "no route to {place}",
    errno.ENETUNREACH: "no network leads to {place}",
    errno.ETIMEDOUT: "no answer to connecting to {place}",
    errno.ECONNRESET: "connection reset by {place}",
}
_OUT_OF = {
    errno.EMFILE: "this process has no file descriptor left to connect with",
    errno.ENFILE: "this machine has no file descriptor left to connect with",
    errno.ENOBUFS: "this machine has no memory left for sockets",
    errno.ENOMEM: "this machine has no memory left for sockets",
    errno.EADDRNOTAVAIL: "this machine has no address or port left to connect from",
}
_CUT = "{place} closed the connection before a whole answer"
E_TOO_LARGE = 100  # CURLE_TOO_LARGE, which pycurl does not name
_SENTENCES = {
    pycurl.E_GOT_NOTHING: "{place} closed the connection before it answered",
    pycurl.E_PARTIAL_FILE: _CUT,
    pycurl.E_UNSUPPORTED_PROTOCOL: "{place} gave a malformed answer: not HTTP",
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "{place} gave a malformed answer: {words}",
    pycurl.E_BAD_CONTENT_ENCODING: "{place} gave an answer that cannot be decoded: {words}",
    pycurl.E_OUT_OF_MEMORY: "{place} answered with headers that are too long",
    E_TOO_LARGE: "{place} answered with headers that are too long",
    pycurl.E_OPERATION_TIMEDOUT: "no answer to connecting to {place}",
    pycurl.E_SEND_ERROR: "{place} closed the connection while the request was being sent",
    pycurl.E_SSL_SHUTDOWN_FAILED: "{place} ended TLS wrongly: {words}",
}
_OURS = {
    pycurl.E_SSL_CERTPROBLEM: "the client certificate or its key cannot be used",
    pycurl.E_SSL_CACERT_BADFILE: "the file of trusted authorities cannot be used",
}
_CERTIFICATE = (
    ("certificate has expired", "its certificate has expired"),
    ("not yet valid", "its certificate is not valid yet"),
    (
        "self-signed certificate in certificate chain",
        "its certificate is by an authority that is not trusted",
    ),
    ("self-signed", "its certificate is self-signed"),
    ("unable to get", "its certificate chain is incomplete or by an authority that is not trusted"),
    ("unable to verify the first", "its certificate chain is incomplete"),
    ("no alternative certificate subject name", "its certificate is for another name"),
    ("does not match", "its certificate is for another name"),
    ("hostname mismatch", "its certificate is for another name"),
    ("ip address mismatch", "its certificate is for another name"),
    ("revoked", "its certificate is revoked"),
    ("too long", "its certificate chain is too long"),
    ("key too small", "its certificate's key is too short"),
    ("md too weak", "its certificate's signature is too weak"),
)
_NOT_TLS = (
    "wrong version number",
    "packet length too long",
    "record layer failure",
    "http request",
    "unknown protocol",
)


def curl_fault(code: int, words: str, os_error: int, place: str) -> CheckError:
    """
    What `code` says of the target at `place`.

    Args:
        words: libcurl's own message, the source of detail.
        os_error: The operating system's error number behind it, or 0.
    """
    if "CONNECT tunnel" in words:
        return CheckError(f"the proxy at {place} refused: {clean(words)}")
    if code == pycurl.E_COULDNT_CONNECT:
        return dial_fault(OSError(os_error, words), place)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return CheckError(f"{place}: {certificate_fault(words)}")
    if code == pycurl.E_SSL_CONNECT_ERROR:
        return CheckError(_handshake(words, os_error, place))
    if code == pycurl.E_RECV_ERROR:
        return CheckError(_receiving(words, place))
    if sentence := _OURS.get(code):
        return ProbeUnable(sentence)
    if sentence := _SENTENCES.get(code):
        return CheckError(sentence.format(place=place, words=clean(words)))
    return CheckError(f"{place}: {clean(words) or f'libcurl gave up with error {code}'}")


def dial_fault(error: OSError, place: str) -> CheckError:
    """Why no connection to `place` came about; `ProbeUnable` when the lack is ours."""
    if lack := _OUT_OF.get(error.errno or 0):
        return ProbeUnable(lack)
    sentence = _CONNECT.get(error.errno or 0)
    if sentence is None:
        reason = os.strerror(error.errno).lower() if error.errno else "it failed"
        sentence = f"could not connect to {{place}}: {reason}"
    return CheckError(sentence.format(place=place))


def tls_fault(error: ssl.SSLError, place: str) -> CheckError:
    """Why no TLS came about over an open connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CheckError(f"{place}: {certificate_fault(error.verify_message)}")
    return CheckError(_handshake(getattr(error, "reason", None) or str(error), 0, place))


def certificate_fault(words: str) -> str:
    """What is wrong with a certificate, from OpenSSL's words."""
    lower = words.lower().replace("self signed", "self-signed")
    for part, sentence in _CERTIFICATE:
        if part in lower:
            return sentence
    return f"its certificate is not accepted ({clean(words)})"


def _handshake(words: str, os_error: int, place: str) -> str:
    lower = words.lower().replace("_", " ")
    if any(part in lower for part in _NOT_TLS):
        return f"{place} does not speak TLS"
    if os_error == errno.ECONNRESET or "reset" in lower:
        return f"{place} reset the connection during the TLS handshake"
    if "unexpected eof" in lower or "syscall" in lower or "eof occurred" in lower:
        return f"{place} closed the connection during the TLS handshake"
    if "certificate required" in lower:
        return f"{place} asks for a client certificate"
    if alert := re.search(r"alert ([a-z ]+?)(?:,|\(|$)", lower):
        return f"{place} refused the TLS handshake: {alert[1].strip()}"
    return f"the TLS handshake with {place} failed: {clean(words)}"


def _receiving(words: str, place: str) -> str:
    lower = words.lower()
    if "reset" in lower or "broken pipe" in lower:
        return f"{place} reset the connection before a whole answer"
    if "ssl" in lower or "tls" in lower or "eof" in lower:
        if "alert" in lower:
            return _handshake(words, 0, place)
        return _CUT.format(place=place)
    return f"{place} gave a malformed answer: {clean(words)}"


def clean(words: str) -> str:
    """A library's message without control characters, at a length for one line."""
    text = "".join(letter if letter.isprintable() else "�" for letter in words).strip()
    return text if len(text) <= 160 else f"{text[:159]}…"
