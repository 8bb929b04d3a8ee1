"""A registry that has one artifact, of an older kind, behind a Bearer token. Each blob breaks off in
the middle when it is asked for as a whole; with the word `lies` its bytes are others, with `lures` its
tokens are given elsewhere, in plain HTTP.

usage: dist_registry.py MODULE [lies|lures]      prints its port
"""

import hashlib
import http.server
import json
import sys

with open(sys.argv[1], "rb") as file:
    MODULE = file.read()
LIES = sys.argv[2:] == ["lies"]
LURES = sys.argv[2:] == ["lures"]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


CONFIG = b"{}"
MANIFEST = json.dumps({
    "schemaVersion": 2,
    "config": {"mediaType": "application/vnd.wasm.config.v1+json", "digest": digest(CONFIG),
               "size": len(CONFIG)},
    "layers": [{"mediaType": "application/vnd.wasm.content.layer.v1+wasm",
                "digest": digest(MODULE), "size": len(MODULE)}],
}).encode()


class Registry(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        sys.stderr.write("%s range=%s\n" % (self.requestline, self.headers.get("Range")))

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def blob(self):
        data = MODULE[:-1] + b"?" if LIES else MODULE
        begin = self.headers.get("Range")
        if begin:
            data = data[int(begin.split("=")[1].rstrip("-")):]
            self.answer(206, data)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2])
        self.close_connection = True

    def do_GET(self):
        port = self.server.server_address[1]
        if self.path.startswith("/token?"):
            good = "service=here" in self.path and "scope=repository%3Aold%2Ftool%3Apull" in self.path
            self.answer(200 if good else 403, json.dumps({"token": "let-me-in"}).encode())
        elif self.headers.get("Authorization") != "Bearer let-me-in":
            host = "127.0.0.1:1@elsewhere.example" if LURES else "127.0.0.1:%d" % port
            self.answer(401, WWW_Authenticate='Bearer realm="http://%s/token",'
                        'service="here",scope="repository:old/tool:pull"' % host)
        elif self.path == "/v2/old/tool/manifests/1":
            self.answer(200, MANIFEST)
        elif self.path == "/v2/old/tool/blobs/" + digest(MODULE):
            self.blob()
        else:
            self.answer(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_address[1], flush=True)
server.serve_forever()
