"""A certificate authority for one test, and one certificate of it for 127.0.0.1."""

import ssl
import subprocess
from pathlib import Path

from tests.servers.need import first_path, need


class Authority:
    """Makes its files with the openssl program, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        need(first_path("/usr/bin/openssl", "/usr/local/bin/openssl"), "the program openssl")
        directory.mkdir(parents=True)
        self._directory = directory
        self.ca, self.cert, self.key = (directory / name for name in ("ca.pem", "cert.pem", "key.pem"))
        self._openssl("req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/CN={directory.name}")
        self._openssl("req", "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=127.0.0.1")
        (directory / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
        self._run("x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                  "-days", "2", "-extfile", "extensions", "-out", "cert.pem")  # fmt: skip

    def server_context(self) -> ssl.SSLContext:
        """What a server with this certificate uses; it takes clients of this authority only."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca)
        context.load_cert_chain(self.cert, self.key)
        return context

    def _openssl(self, *words: str) -> None:
        self._run(*words, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._directory, check=True, capture_output=True)
