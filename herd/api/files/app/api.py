"""A small API: GET /api/visits counts in redis, GET /api/site looks at the site, GET /api/health."""

import json
import re
import signal
import socket
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def redis(*words):
    """One command of the redis protocol; its answer, or an error."""
    request = b"*%d\r\n" % len(words)
    for word in words:
        data = word.encode()
        request += b"$%d\r\n%s\r\n" % (len(data), data)
    with socket.create_connection(("redis", 6379), timeout=2) as connection:
        connection.sendall(request)
        answer = connection.makefile("rb").readline().strip()
    if answer[:1] == b"-":
        raise OSError(answer.decode())
    return answer[1:].decode()


def visits():
    return {"visits": int(redis("INCR", "visits")), "replica": socket.gethostname()}


def site():
    with urllib.request.urlopen("http://web:8080/", timeout=2) as page:
        text = page.read(65536).decode()
    found = re.search("<title>(.*?)</title>", text)
    return {"title": found.group(1) if found else None}


def slow():
    """For whoever wants to see that an answer under way is given though the replica goes."""
    time.sleep(1)
    return {"replica": socket.gethostname()}


def health():
    return {"redis": redis("PING")}


ROUTES = {"/api/visits": visits, "/api/site": site, "/api/slow": slow, "/api/health": health}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        route = ROUTES.get(self.path)
        status, body = 404, {"error": "there is no such thing"}
        if route is not None:
            try:
                status, body = 200, route()
            except OSError as error:
                status, body = 502, {"error": str(error)}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    # Closing waits for those that are being answered.
    daemon_threads = False
    block_on_close = True


server = Server(("", 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.1)
server.server_close()
