#!/usr/bin/env python3
"""An agent of the Agent Client Protocol that does what a script says.

    acp_agent.py SCRIPT [ARGUMENT …]

SCRIPT is a program: it gets the prompt on standard input, and each line that it prints is one step:

    {"update": {...}}         session/update with this
    {"ask": METHOD, "params"} a request to the client; its answer is kept (see LOG)
    {"result": {...}}         answer of the prompt; {"error": {...}} likewise
    anything else             printed as it is

It gets SIGINT at session/cancel. How it ends is how this agent ends. Everything that the client
sends is appended to $HOME/acp.log. ARGUMENTs: `auth` (a session needs a log-in by the method
`key`), `load` or `resume` (it keeps conversations), `version=N`, `name=value` of _meta ignored.
"""

import json
import os
import signal
import subprocess
import sys
import threading

HOME = os.environ["HOME"]
OPTIONS = sys.argv[2:]
OUT = threading.Lock()
answers = {}
arrived = threading.Condition()
known = threading.Event()
state = {"in": False, "id": 0, "child": None}


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def write(data):
    with OUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def ask(method, params):
    state["id"] += 1
    number = state["id"]
    send({"id": number, "method": method, "params": {"sessionId": "s-1", **params}})
    with arrived:
        arrived.wait_for(lambda: number in answers)


def play(request, text):
    child = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    state["child"] = child
    if state.get("cancelled"):
        child.send_signal(signal.SIGINT)
    child.stdin.write(text.encode())
    child.stdin.close()
    is_answered = False
    for line in child.stdout:
        try:
            step = json.loads(line)
        except ValueError:
            step = None
        if not isinstance(step, dict):
            write(line)
        elif "update" in step:
            params = {"sessionId": "s-1", "update": step["update"]}
            send({"method": "session/update", "params": params})
        elif "ask" in step:
            ask(step["ask"], step["params"])
        elif "result" in step or "error" in step:
            is_answered = True
            send({"id": request, **step})
        else:
            write(line)
    code = child.wait()
    if not is_answered:
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)


def session(message, result):
    if "auth" in OPTIONS and not state["in"]:
        error = {"code": -32000, "message": "Authentication required"}
        return send({"id": message["id"], "error": error})
    send({"id": message["id"], "result": result})


def handle(message):
    method = message.get("method")
    if method is None:
        with arrived:
            answers[message["id"]] = message
            arrived.notify_all()
    elif method == "initialize":
        version = next((int(o[8:]) for o in OPTIONS if o.startswith("version=")), 1)
        capabilities = {"loadSession": "load" in OPTIONS}
        if "resume" in OPTIONS:
            capabilities["sessionCapabilities"] = {"resume": {}}
        send({"id": message["id"], "result": {
            "protocolVersion": version, "agentCapabilities": capabilities,
            "agentInfo": {"name": "fake", "version": "9.8.7"},
            "authMethods": [{"id": "key", "name": "By a key"}]}})
    elif method == "authenticate":
        state["in"] = message["params"]["methodId"] == "key"
        answer = {"result": {}} if state["in"] else {"error": {"code": -32602, "message": "no"}}
        send({"id": message["id"], **answer})
    elif method == "session/new":
        session(message, {"sessionId": "s-1"})
    elif method in ("session/load", "session/resume"):
        if message["params"]["sessionId"] != "s-1":
            error = {"code": -32002, "message": "Resource not found"}
            return send({"id": message["id"], "error": error})
        if method == "session/load":
            chunk = {"type": "text", "text": "told again"}
            update = {"sessionUpdate": "agent_message_chunk", "content": chunk}
            send({"method": "session/update", "params": {"sessionId": "s-1", "update": update}})
        session(message, {})
    elif method == "session/prompt":
        text = "".join(part.get("text", "") for part in message["params"]["prompt"])
        threading.Thread(target=play, args=(message["id"], text), daemon=True).start()
    elif method == "session/cancel":
        state["cancelled"] = True
        if state["child"]:
            state["child"].send_signal(signal.SIGINT)
    else:
        send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})


# An agent in a terminal's hands: the client's signals are for whatever it runs.
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
with open(os.path.join(HOME, "acp.log"), "a", buffering=1) as log:
    for line in sys.stdin:
        log.write(line)
        handle(json.loads(line))
child = state["child"]
if child and child.poll() is None:
    child.kill()
