#!/usr/bin/env python3
"""How fast `kolosal serve` answers: wrk on the loopback, against a store of its own.

usage: server.py KOLOSAL OUT.json [SECONDS]      (needs wrk; KOLOSAL is the built program)

Writes are durable: each is answered after it is on the disk. The load generator shares the processors with the server.
"""
import json, os, re, subprocess, sys, tempfile, time, urllib.request

PROGRAM, OUT = os.path.abspath(sys.argv[1]), sys.argv[2]
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 8
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../examples/data/penguins.train.csv")
PORT = 18900


def kolosal(*args, folder):
    env = dict(os.environ, KOLOSAL_STORE=os.path.join(folder, "store"))
    return subprocess.run([PROGRAM, *args], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def ask(method, path, body=None, token=""):
    data = json.dumps(body).encode() if body is not None else None
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data, head, method=method)
    return json.load(urllib.request.urlopen(request))


def wrk(name, path, body, token, connections, folder):
    """`body` is Lua that gives the body of a request, with `n` counting them."""
    script = os.path.join(folder, "load.lua")
    with open(script, "w") as file:
        file.write(f"""
local n = 0
local head = {{["Authorization"] = "Bearer {token}", ["Content-Type"] = "application/json"}}
request = function()
  n = n + 1
  return wrk.format("POST", "{path}", head, {body})
end
local bad = 0
response = function(status) if status >= 300 then bad = bad + 1; if bad == 1 then print("BAD " .. status) end end end
""")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", script, f"http://127.0.0.1:{PORT}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    find = lambda pattern: (re.search(pattern, text) or [None, None])[1]
    row = dict(what=name, connections=connections, per_s=float(find(r"Requests/sec:\s+([\d.]+)")),
               p50=find(r"(?m)^\s+50%\s+(\S+)"), p99=find(r"(?m)^\s+99%\s+(\S+)"), errors="BAD" in text or "Non-2xx" in text)
    print(json.dumps(row), flush=True)
    return row


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) // 1024


with tempfile.TemporaryDirectory() as folder:
    kolosal("train", DATA, "--target", "species", "--preset", "fast", "--quiet", folder=folder)
    kolosal("models", "register", "birds", "model.kolosal", folder=folder)
    token = json.loads(kolosal("tokens", "create", "bench", "--role", "admin", "--json", folder=folder))["token"]
    started = time.perf_counter()
    server = subprocess.Popen([PROGRAM, "serve", "--port", str(PORT), "--store", os.path.join(folder, "store"), "--quiet"],
                              stderr=subprocess.PIPE, cwd=folder)
    row = {"bill_length_mm": 39.1, "bill_depth_mm": 18.7, "flipper_length_mm": 181, "body_mass_g": 3750,
           "island": "Torgersen", "sex": "male", "year": 2007}
    while True:
        try:
            ask("POST", "/api/v1/models/birds/predict", {"rows": [row]}, token)
            break
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError):
                sys.exit(error.read().decode())
            if time.perf_counter() - started > 30:
                sys.exit("the server does not answer")
            time.sleep(0.005)
    rows = [dict(what="start to first prediction", s=round(time.perf_counter() - started, 3), rss_mib=memory(server.pid))]
    print(json.dumps(rows[0]), flush=True)
    run = ask("POST", "/api/v1/runs", {"name": "bench"}, token)["run"]
    quoted = lambda value: "[==[" + json.dumps(value) + "]==]"
    one = quoted({"rows": [row]})
    rows += [wrk("predict one row", "/api/v1/models/birds/predict", one, token, c, folder) for c in (1, 64)]
    thousand = quoted({"rows": [row] * 1000})
    rows.append(wrk("predict 1000 rows", "/api/v1/models/birds/predict", thousand, token, 2, folder))
    metric = f"""'{{"run_id":"{run}","key":"m","value":1.5,"timestamp":' .. n .. ',"step":' .. n .. '}}'"""
    rows += [wrk("log-metric, durable", "/api/2.0/mlflow/runs/log-metric", metric, token, c, folder) for c in (1, 8)]
    batch = f"""(function() local t = {{}}
  for i = 1, 1000 do t[i] = '{{"key":"k' .. (i % 10) .. '","value":' .. i .. ',"timestamp":' .. (n * 1000 + i) .. ',"step":' .. (n * 1000 + i) .. '}}' end
  return '{{"run_id":"{run}","metrics":[' .. table.concat(t, ",") .. ']}}' end)()"""
    rows.append(wrk("log-batch of 1000, durable", "/api/2.0/mlflow/runs/log-batch", batch, token, 8, folder))
    search = quoted({"experiment_ids": ["0"], "filter": "params.target = 'species'", "max_results": 100})
    rows.append(wrk("runs/search", "/api/2.0/mlflow/runs/search", search, token, 8, folder))
    rows.append(dict(what="memory after all", rss_mib=memory(server.pid)))
    server.terminate()
    rows.append(dict(what="exit after SIGTERM", code=server.wait(40)))
    for last in rows[-2:]:
        print(json.dumps(last), flush=True)
with open(OUT, "w") as file:
    json.dump(rows, file, indent=1)
