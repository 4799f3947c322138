"""Plain HTTP against the simulator, with nothing but Python's standard library: an independent reading of the Cloud API."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

SIM, NUMBER, WABA = os.environ["SIM_URL"], os.environ["SIM_NUMBER"], os.environ["SIM_WABA"]
SECRET, USER = os.environ["SIM_APP_SECRET"].encode(), "919812345678"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
statuses, inbound, calls = {}, [], {"right": 0, "wrong": 0}


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"]))
        right = "sha256=" + hmac.new(SECRET, raw, hashlib.sha256).hexdigest()
        is_right = hmac.compare_digest(right, self.headers.get("x-hub-signature-256", ""))
        calls["right" if is_right else "wrong"] += 1
        for entry in json.loads(raw)["entry"]:
            for change in entry["changes"]:
                for status in change["value"].get("statuses", []):
                    statuses.setdefault(status["id"], []).append(status["status"])
                inbound.extend(change["value"].get("messages", []))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None, headers=None, token="SIM_TOKEN"):
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    url = path if path.startswith("http") else SIM + path
    kind = {"content-type": "application/json"} if isinstance(body, (dict, list)) else {}
    request = urllib.request.Request(url, data, {**kind, "authorization": f"Bearer {token}", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def told(answer):
    status, body = answer
    return status, json.loads(body)


def send(kind, content, **more):
    body = {"messaging_product": "whatsapp", "to": "+" + USER, "type": kind, kind: content, **more}
    return told(call("POST", f"/v24.0/{NUMBER}/messages", body))


def interactive(kind, action, **more):
    return send("interactive", {"type": kind, "body": {"text": "Pick"}, "action": action, **more})


def until(what, found):
    deadline = time.monotonic() + 20
    while not found():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come about")
        time.sleep(0.05)


def multipart():
    cut = uuid.uuid4().hex
    part = lambda head, body: f"--{cut}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n"
    body = part('name="messaging_product"', b"whatsapp") + part('name="type"', b"image/png")
    body += part('name="file"; filename="a.png"\r\nContent-Type: image/png', PNG) + f"--{cut}--\r\n".encode()
    return body, {"content-type": f"multipart/form-data; boundary={cut}"}


def main():
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["WEBHOOK_PORT"])), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    hello = told(call("POST", "/_sim/reply", {"from": USER, "number": NUMBER, "text": "hello"}))[1]["id"]
    body, headers = multipart()
    media = told(call("POST", f"/v24.0/{NUMBER}/media", body, headers))[1]["id"]
    product = {"catalog_id": "123", "product_retailer_id": "SKU-1"}
    flow = {"flow_message_version": "3", "flow_id": "123", "flow_cta": "Open", "flow_token": "t"}
    reply = lambda name: {"type": "reply", "reply": {"id": name, "title": name}}
    text = [{"type": "body", "parameters": [{"type": "text", "text": "Asha"}]}]
    template = {"name": "daily_text_v1", "language": {"code": "en_IN"}, "components": text}
    sent = {
        "text": send("text", {"body": "Hello"}, context={"message_id": hello}, biz_opaque_callback_data="py"),
        "image": send("image", {"id": media, "caption": "c"}),
        "audio": send("audio", {"link": "https://example.com/a.mp3"}),
        "video": send("video", {"link": "https://example.com/a.mp4"}),
        "document": send("document", {"link": "https://example.com/a.pdf", "filename": "a.pdf"}),
        "sticker": send("sticker", {"link": "https://example.com/a.webp"}),
        "location": send("location", {"latitude": 12.9, "longitude": 77.6, "name": "n", "address": "a"}),
        "contacts": send("contacts", [{"name": {"formatted_name": "A B", "first_name": "A"}, "phones": [{"phone": "+1555"}]}]),
        "reaction": send("reaction", {"message_id": hello, "emoji": "\U0001f44d"}),
        "buttons": interactive("button", {"buttons": [reply("a"), reply("b")]}),
        "list": interactive("list", {"button": "Open", "sections": [{"title": "S", "rows": [{"id": "r", "title": "R"}]}]}),
        "cta_url": interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "See", "url": "https://example.com"}}),
        "product": interactive("product", product),
        "flow": interactive("flow", {"name": "flow", "parameters": {**flow, "flow_action": "data_exchange"}}),
        "location_request": interactive("location_request_message", {"name": "send_location"}),
        "template": send("template", template),
        "read": told(call("POST", f"/v24.0/{NUMBER}/messages", {
            "messaging_product": "whatsapp", "status": "read", "message_id": hello, "typing_indicator": {"type": "text"}})),
        "unversioned": told(call("POST", f"/{NUMBER}/messages", {
            "messaging_product": "whatsapp", "to": "+" + USER, "text": {"body": "type defaults to text"}})),
    }
    refused = {
        "no token": told(call("POST", f"/v24.0/{NUMBER}/messages", {}, token="nope")),
        "no product": told(call("POST", f"/v24.0/{NUMBER}/messages", {"to": "+" + USER})),
        "unknown object": told(call("POST", "/v24.0/1/messages", {"messaging_product": "whatsapp"})),
        "no such template": send("template", {**template, "name": "nope"}),
        "too few parameters": send("template", {**template, "components": []}),
        "too many buttons": interactive("button", {"buttons": [reply(name) for name in "abcd"]}),
    }
    where = told(call("GET", f"/v24.0/{media}"))[1]
    bytes_back = call("GET", where["url"])[1] if "url" in where else b""
    ids = [answer["messages"][0]["id"] for status, answer in sent.values() if "messages" in answer]
    until("the receipts", lambda: all("sent" in statuses.get(id, []) for id in ids))
    call("POST", "/_sim/reply", {"from": USER, "number": NUMBER, "text": "bye"})
    until("the user's message", lambda: any(it.get("text", {}).get("body") == "bye" for it in inbound))
    print(json.dumps({
        "sent": {name: status for name, (status, _) in sent.items()},
        "refused": {name: [status, answer["error"]["code"]] for name, (status, answer) in refused.items()},
        "media": {"sha256": where.get("sha256") == hashlib.sha256(PNG).hexdigest(), "bytes": bytes_back == PNG},
        "webhooks": calls,
    }))


main()
