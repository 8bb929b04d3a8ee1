"""A registry of the distribution specification 1.1, in memory: what is pushed is there, and what refers
to a manifest is listed by /referrers/ and announced by OCI-Subject.

usage: dist_referrers.py      prints its port; a line on standard error for each request
"""

import hashlib
import http.server
import json
import sys
import urllib.parse

blobs, manifests, uploads = {}, {}, {}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def refers(data):
    return json.loads(data).get("subject", {}).get("digest")


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        sys.stderr.write("%s\n" % self.requestline)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def place(self):
        """What of this repository is meant, and its name there."""
        url = urllib.parse.urlsplit(self.path)
        words = url.path.split("/")
        return words[-2], words[-1], urllib.parse.parse_qs(url.query)

    def do_GET(self):
        what, name, _ = self.place()
        if what == "referrers":
            found = [{"mediaType": kind, "digest": digest(data), "size": len(data),
                      "artifactType": json.loads(data).get("artifactType")}
                     for kind, data in {id(m): m for m in manifests.values()}.values()
                     if refers(data) == name]
            body = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                    "manifests": found}
            self.answer(200, json.dumps(body).encode(),
                        Content_Type="application/vnd.oci.image.index.v1+json")
        elif what == "manifests" and name in manifests:
            self.answer(200, manifests[name][1], Content_Type=manifests[name][0])
        elif what == "blobs" and name in blobs:
            self.answer(200, blobs[name])
        elif what == "uploads" and name in uploads:
            self.answer(204, Range="0-%d" % (len(uploads[name]) - 1))
        else:
            self.answer(404)

    do_HEAD = do_GET

    def do_POST(self):
        self.body()
        name = str(len(uploads))
        uploads[name] = b""
        self.answer(202, Location=self.path + name)

    def do_PATCH(self):
        _, name, _ = self.place()
        uploads[name] += self.body()
        self.answer(202, Location=self.path, Range="0-%d" % (len(uploads[name]) - 1))

    def do_PUT(self):
        what, name, query = self.place()
        data = self.body()
        if what == "uploads":
            data = uploads[name] + data
            if digest(data) == query["digest"][0]:
                blobs[digest(data)] = data
                self.answer(201)
            else:
                self.answer(400)
            return
        manifests[name] = manifests[digest(data)] = (self.headers["Content-Type"], data)
        subject = {"OCI_Subject": refers(data)} if refers(data) else {}
        self.answer(201, **subject)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print(server.server_address[1], flush=True)
server.serve_forever()
